"""The words of the letters that sessions send."""

from madang.kit.letters import Letter
from madang.kit.problems import Text

_WHAT_TO_DO = Text(
    "If it was not you, reset your password at once, then look at your sessions and end those you don't know.",
    "본인이 아니라면 바로 비밀번호를 재설정하고, 세션 목록에서 모르는 세션을 모두 종료하세요.",
)
_WHAT_TO_DO_ABOUT_PASSKEYS = Text(
    "If it was not you, remove that passkey at once, reset your password, and end the sessions that you don't know: "
    "a new password alone does not stop a passkey.",
    "본인이 아니라면 바로 그 패스키를 삭제하고 비밀번호를 재설정한 뒤 모르는 세션을 종료하세요. 비밀번호를 바꾸는 "
    "것만으로는 패스키를 막을 수 없습니다.",
)
_IGNORE = Text(
    "If you did not ask for this, you can ignore this mail: nothing changes without the code.",
    "요청한 적이 없다면 이 메일을 무시하세요. 코드를 입력하지 않으면 아무것도 바뀌지 않습니다.",
)
_LIVES = Text(
    "The code is good for 10 minutes, the link for an hour; each works once, and a newer one replaces it.",
    "코드는 10분, 링크는 1시간 동안 유효하며 한 번만 쓸 수 있습니다. 새로 요청하면 이전 것은 무효가 됩니다.",
)
_WHERE = Text("{time} (UTC), from {ip}, with {user_agent}.", "{time} (UTC), 주소 {ip}, 기기 {user_agent}.")

PROOFS = {
    "verify": Letter(
        Text("Confirm your e-mail address", "이메일 주소를 확인해 주세요"),
        (
            Text(
                "Type this code to confirm that {email} belongs to your Madang account {account_id}.",
                "{email} 주소가 마당 계정 {account_id}의 것임을 확인하려면 아래 코드를 입력하세요.",
            ),
            _LIVES,
            _IGNORE,
        ),
        Text("Or open this page", "또는 이 페이지에서 확인"),
    ),
    "reset": Letter(
        Text("Choose a new password", "새 비밀번호를 정해 주세요"),
        (
            Text(
                "Type this code to choose a new password for your Madang account {account_id}.",
                "마당 계정 {account_id}의 비밀번호를 새로 정하려면 아래 코드를 입력하세요.",
            ),
            _LIVES,
            _IGNORE,
        ),
        Text("Or open this page", "또는 이 페이지에서 재설정"),
    ),
}

PROOFS["invite"] = Letter(
    Text("You are invited to Madang", "마당에 초대합니다"),
    (
        Text(
            "An administrator made the account {account_id} for you. Open the page below and choose a password; nobody "
            "else knows or sets it.",
            "관리자가 {account_id} 계정을 만들었습니다. 아래 페이지를 열어 비밀번호를 정하세요. 비밀번호는 본인만 "
            "알 수 있습니다.",
        ),
        Text(
            "The link is good for seven days, the code for 10 minutes; each works once.",
            "링크는 7일, 코드는 10분 동안 유효하며 한 번만 쓸 수 있습니다.",
        ),
    ),
    Text("Choose a password", "비밀번호 정하기"),
)

NOTICES = {
    "password_changed": Letter(
        Text("Your password was changed", "비밀번호가 변경되었습니다"),
        (
            Text(
                "The password of {account_id} was changed, and all its other sessions have ended.",
                "{account_id} 계정의 비밀번호가 변경되었고 다른 세션은 모두 종료되었습니다.",
            ),
            _WHERE,
            _WHAT_TO_DO,
        ),
    ),
    "password_reset": Letter(
        Text("Your password was reset", "비밀번호가 재설정되었습니다"),
        (
            Text(
                "The password of {account_id} was reset with a mailed code, and all its sessions have ended.",
                "{account_id} 계정의 비밀번호가 메일 코드로 재설정되었고 모든 세션이 종료되었습니다.",
            ),
            _WHERE,
            _WHAT_TO_DO,
        ),
    ),
    "token_reused": Letter(
        Text("A session was ended for safety", "안전을 위해 세션을 종료했습니다"),
        (
            Text(
                "Somebody used a sign-in of {account_id} that had been replaced already. It may have been copied, "
                "so that session has ended.",
                "{account_id} 계정에서 이미 교체된 로그인 정보가 다시 사용되었습니다. 복사되었을 수 있어 해당 "
                "세션을 종료했습니다.",
            ),
            _WHERE,
            _WHAT_TO_DO,
        ),
    ),
    "new_device": Letter(
        Text("Sign-in from a new device", "새 기기에서 로그인했습니다"),
        (
            Text(
                "{account_id} was signed in to from a device that we have not seen before.",
                "처음 보는 기기에서 {account_id} 계정에 로그인했습니다.",
            ),
            _WHERE,
            _WHAT_TO_DO,
        ),
    ),
    "email_changed": Letter(
        Text("Your e-mail address was changed", "이메일 주소가 변경되었습니다"),
        (
            Text(
                "{account_id} now uses another e-mail address; this one no longer signs in or resets its password.",
                "{account_id} 계정의 이메일 주소가 변경되어, 이 주소로는 더 이상 로그인하거나 비밀번호를 재설정할 수 "
                "없습니다.",
            ),
            _WHERE,
            Text(
                "If it was not you, sign in with your account id, change the password, and tell an administrator.",
                "본인이 아니라면 계정 아이디로 로그인해 비밀번호를 바꾸고 관리자에게 알려 주세요.",
            ),
        ),
    ),
    "address_in_use": Letter(
        Text("Your address was given again", "이메일 주소가 다시 입력되었습니다"),
        (
            Text(
                "Somebody gave this address for another Madang account. It is {account_id}'s, so nothing changed.",
                "누군가 다른 마당 계정에 이 주소를 입력했습니다. 이 주소는 {account_id} 계정의 것이므로 바뀐 것은 "
                "없습니다.",
            ),
            Text(
                "If it was you: you have an account already, and can reset its password if you forgot it.",
                "본인이라면 이미 계정이 있습니다. 비밀번호를 잊었다면 재설정하세요.",
            ),
        ),
    ),
    "identity_linked": Letter(
        Text("A way to sign in was added", "로그인 방법이 추가되었습니다"),
        (
            Text(
                "{account_id} can now be signed in to with {provider}.",
                "이제 {provider}(으)로 {account_id} 계정에 로그인할 수 있습니다.",
            ),
            _WHERE,
            _WHAT_TO_DO,
        ),
    ),
    "identity_unlinked": Letter(
        Text("A way to sign in was removed", "로그인 방법이 해제되었습니다"),
        (
            Text(
                "{account_id} can no longer be signed in to with {provider}.",
                "이제 {provider}(으)로 {account_id} 계정에 로그인할 수 없습니다.",
            ),
            _WHERE,
            _WHAT_TO_DO,
        ),
    ),
    "factor_added": Letter(
        Text("A second factor was set up", "2단계 인증이 설정되었습니다"),
        (
            Text(
                "A second factor was set up for {account_id}.",
                "{account_id} 계정에 2단계 인증이 설정되었습니다.",
            ),
            _WHERE,
            _WHAT_TO_DO,
        ),
    ),
    "factor_removed": Letter(
        Text("A second factor was removed", "2단계 인증이 해제되었습니다"),
        (
            Text(
                "A second factor was removed from {account_id}.",
                "{account_id} 계정의 2단계 인증이 해제되었습니다.",
            ),
            _WHERE,
            _WHAT_TO_DO,
        ),
    ),
    "passkey_added": Letter(
        Text("A passkey was added", "패스키가 추가되었습니다"),
        (
            Text(
                "A passkey was added to {account_id}; whoever holds it can sign in.",
                "{account_id} 계정에 패스키가 추가되었습니다. 이 패스키로 로그인할 수 있습니다.",
            ),
            _WHERE,
            _WHAT_TO_DO_ABOUT_PASSKEYS,
        ),
    ),
    "passkey_removed": Letter(
        Text("A passkey was removed", "패스키가 삭제되었습니다"),
        (
            Text(
                "A passkey was removed from {account_id}; it no longer signs in.",
                "{account_id} 계정에서 패스키가 삭제되어 더 이상 로그인에 쓸 수 없습니다.",
            ),
            _WHERE,
            _WHAT_TO_DO,
        ),
    ),
    "passkey_cloned": Letter(
        Text("A passkey may have been copied", "패스키가 복제되었을 수 있습니다"),
        (
            Text(
                "A passkey of {account_id} was used with a counter that had been seen before, so it was refused. "
                "It may have been copied.",
                "{account_id} 계정의 패스키가 이미 사용된 카운터로 다시 사용되어 거부했습니다. 복제되었을 수 있습니다.",
            ),
            _WHERE,
            Text(
                "Sign in another way, remove that passkey and add a new one.",
                "다른 방법으로 로그인해 해당 패스키를 삭제하고 새로 등록하세요.",
            ),
        ),
    ),
    "api_key_made": Letter(
        Text("An API key was made", "API 키가 만들어졌습니다"),
        (
            Text(
                "An API key was made for {account_id}. It stays good when the password changes, until it is revoked.",
                "{account_id} 계정에 API 키가 만들어졌습니다. 비밀번호를 바꿔도 폐기할 때까지 유효합니다.",
            ),
            _WHERE,
            Text(
                "If it was not you, revoke the key, change your password and end all other sessions.",
                "본인이 아니라면 키를 폐기하고 비밀번호를 바꾼 뒤 다른 세션을 모두 종료하세요.",
            ),
        ),
    ),
    "account_deleted": Letter(
        Text("Your account was deleted", "계정이 삭제되었습니다"),
        (
            Text(
                "The account {account_id} was deleted. All its sessions have ended, and its id and address are free.",
                "{account_id} 계정이 삭제되었습니다. 모든 세션이 종료되었고 아이디와 주소는 다시 쓸 수 있습니다.",
            ),
            Text(
                "Everything that is stored of it is erased for good after a while, 30 days unless your operator chose "
                "otherwise. Until then an administrator can restore it.",
                "저장된 모든 내용은 일정 기간(운영자가 따로 정하지 않았다면 30일)이 지나면 완전히 지워집니다. "
                "그 전에는 관리자가 복구할 수 있습니다.",
            ),
            _WHERE,
            Text(
                "If it was not you, write to an administrator at once.",
                "본인이 아니라면 바로 관리자에게 알려 주세요.",
            ),
        ),
    ),
    "export_ready": Letter(
        Text("Your data is ready", "데이터 내보내기가 준비되었습니다"),
        (
            Text(
                "The archive of everything about {account_id} is ready for a day. Sign in to fetch it.",
                "{account_id} 계정의 모든 데이터가 준비되었습니다. 하루 안에 로그인해 내려받으세요.",
            ),
            _WHERE,
            _WHAT_TO_DO,
        ),
    ),
}
