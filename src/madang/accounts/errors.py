"""Problems of accounts."""

from madang.kit.problems import Conflict, Forbidden, Invalid, Text


class AccountIdTaken(Conflict):
    code = "account-id-taken"
    title = Text("This account id is taken", "이미 사용 중인 아이디입니다")
    detail = Text(
        "{account_id} is in use; choose another one.", "{account_id}은(는) 사용 중입니다. 다른 아이디를 선택하세요."
    )


class EmailTaken(Conflict):
    code = "email-taken"
    title = Text("This e-mail address is taken", "이미 사용 중인 이메일입니다")
    detail = Text("Another account has proven this address.", "다른 계정이 이 주소를 인증했습니다.")


class PasswordTooShort(Invalid):
    pointer = "/password"
    code = "password-too-short"
    title = Text("The password is too short", "비밀번호가 너무 짧습니다")
    detail = Text(
        "Use {minimum} characters or more; a sentence is fine.", "{minimum}자 이상 사용하세요. 문장도 좋습니다."
    )


class FieldNotYours(Forbidden):
    code = "field-not-yours"
    title = Text("You may not set this field", "설정할 수 없는 필드입니다")
    detail = Text("{field} can't be changed by the account itself.", "{field}은(는) 본인이 바꿀 수 없습니다.")
