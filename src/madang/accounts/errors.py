"""Problems of accounts."""

from madang.kit.problems import Conflict, Forbidden, Invalid, NotFound, Text


class AccountNotFound(NotFound):
    code = "account-not-found"
    title = Text("No such account", "그런 계정이 없습니다")
    detail = Text("There is no such account, or it was deleted.", "그런 계정이 없거나 이미 삭제되었습니다.")


class NotDeleted(Conflict):
    code = "account-not-deleted"
    title = Text("This account was not deleted", "삭제된 계정이 아닙니다")
    detail = Text("Only a deleted account can be restored.", "삭제된 계정만 복구할 수 있습니다.")


class LastAdministrator(Conflict):
    code = "last-administrator"
    title = Text("This is the last administrator", "마지막 관리자입니다")
    detail = Text(
        "Make another account an administrator first; without one nobody could manage this installation.",
        "먼저 다른 계정을 관리자로 지정하세요. 관리자가 없으면 아무도 이 서버를 관리할 수 없습니다.",
    )


class PageTooDeep(Invalid):
    code = "page-too-deep"
    title = Text("This page is too deep", "너무 뒤쪽 페이지입니다")
    detail = Text(
        "Pages reach {limit} people deep; narrow the list down instead, by created_to for instance.",
        "{limit}명까지만 넘겨 볼 수 있습니다. created_to 등으로 범위를 좁히세요.",
    )


class RoleNotFound(NotFound):
    code = "role-not-found"
    title = Text("No such role", "그런 역할이 없습니다")
    detail = Text("There is no such role.", "그런 역할이 없습니다.")


class UnknownRole(Invalid):
    code = "unknown-role"
    title = Text("No such role", "그런 역할이 없습니다")
    detail = Text(
        "There is no role {role}; /api/v1/roles lists them.", "{role} 역할이 없습니다. /api/v1/roles에서 확인하세요."
    )
    pointer = "/role"


class RoleNameTaken(Conflict):
    code = "role-name-taken"
    title = Text("This name is taken", "이미 있는 역할 이름입니다")
    detail = Text("There is a role {role} already.", "{role} 역할이 이미 있습니다.")


class RoleBuiltIn(Conflict):
    code = "role-built-in"
    title = Text("This role is built in", "기본 역할입니다")
    detail = Text(
        "Admin reaches everything and stays as it is; Member can be changed, and neither can be removed.",
        "Admin은 모든 권한을 가지며 바꿀 수 없습니다. Member는 바꿀 수 있지만 둘 다 삭제할 수 없습니다.",
    )


class RoleInUse(Conflict):
    code = "role-in-use"
    title = Text("Accounts have this role", "이 역할을 가진 계정이 있습니다")
    detail = Text(
        "{accounts} accounts have this role; give them another one first.",
        "이 역할을 가진 계정이 {accounts}개 있습니다. 먼저 다른 역할로 바꾸세요.",
    )


class BeyondYourRole(Forbidden):
    code = "beyond-your-role"
    title = Text("Your own role does not reach that far", "본인의 역할을 넘는 일입니다")
    detail = Text(
        "It takes or gives permissions that your role does not have: {permissions}.",
        "본인의 역할에 없는 권한입니다: {permissions}.",
    )


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
