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


class PasswordRefused(Invalid):
    """A password that the policy refuses; the pointer names the field it came in."""

    def __init__(self, pointer: str, **values: object) -> None:
        super().__init__(retry_after=None, **values)
        self.pointer = pointer


class PasswordTooShort(PasswordRefused):
    code = "password-too-short"
    title = Text("The password is too short", "비밀번호가 너무 짧습니다")
    detail = Text(
        "Use {minimum} characters or more; a sentence is fine.", "{minimum}자 이상 사용하세요. 문장도 좋습니다."
    )


class PasswordNeedsMixture(PasswordRefused):
    code = "password-needs-mixture"
    title = Text("The password needs several kinds of characters", "비밀번호에 여러 종류의 문자가 필요합니다")
    detail = Text("Use upper case, lower case and a digit.", "영문 대문자, 소문자, 숫자를 모두 포함하세요.")


class PasswordTooCommon(PasswordRefused):
    code = "password-too-common"
    title = Text("The password is too common", "너무 흔한 비밀번호입니다")
    detail = Text(
        "It is among those that are guessed first; use several words that don't belong together.",
        "가장 먼저 추측되는 비밀번호입니다. 서로 관련 없는 단어를 여러 개 사용하세요.",
    )


class PasswordHasName(PasswordRefused):
    code = "password-has-name"
    title = Text("The password contains a name", "비밀번호에 이름이 들어 있습니다")
    detail = Text(
        "It contains the account id, name or address, or this product's name; choose another one.",
        "아이디, 이름, 이메일 또는 제품 이름이 들어 있습니다. 다른 비밀번호를 사용하세요.",
    )


class PasswordBreached(PasswordRefused):
    code = "password-breached"
    title = Text("The password was seen in a breach", "유출된 적이 있는 비밀번호입니다")
    detail = Text(
        "It is in a public list of leaked passwords; choose another one, here and wherever you use it.",
        "공개된 유출 목록에 있는 비밀번호입니다. 다른 곳에서도 쓰고 있다면 함께 바꾸세요.",
    )


class FieldNotYours(Forbidden):
    code = "field-not-yours"
    title = Text("You may not set this field", "설정할 수 없는 필드입니다")
    detail = Text("{field} can't be changed by the account itself.", "{field}은(는) 본인이 바꿀 수 없습니다.")
