// Where a provider's sign-in ends. The token that waits for a second factor is in the fragment, and is hidden at once.
const texts = {
  en: {
    success: ["You are signed in", "You can close this page, or go on in the application."],
    "mfa-required": ["One more step", "Type a code of your authenticator app, or a recovery code."],
    "access-denied": ["Nobody was signed in", "The sign-in was cancelled or refused there."],
    "account-disabled": ["The account is switched off", "Ask an administrator."],
    "identity-taken": ["It belongs to another account", "Sign in with it, or remove it there first."],
    "linking-ended": ["Sign in again", "The session that asked has ended."],
    "reauthentication-failed": ["The provider did not ask again", "Sign out there, then try again."],
    "provider-unavailable": ["The provider does not answer", "Try again in a moment, or sign in another way."],
    other: ["The sign-in did not work", "Begin again, or sign in another way."],
    code: "Code", button: "Sign in", unreachable: "The server can't be reached. Try again.",
  },
  ko: {
    success: ["로그인되었습니다", "이 페이지를 닫거나 앱에서 계속하세요."],
    "mfa-required": ["한 단계 더 남았습니다", "인증 앱의 코드나 복구 코드를 입력하세요."],
    "access-denied": ["로그인하지 않았습니다", "제공자에서 취소되었거나 거부되었습니다."],
    "account-disabled": ["사용이 중지된 계정입니다", "관리자에게 문의하세요."],
    "identity-taken": ["다른 계정에 연결되어 있습니다", "그 계정으로 로그인하거나 먼저 연결을 해제하세요."],
    "linking-ended": ["다시 로그인하세요", "요청한 세션이 끝났습니다."],
    "reauthentication-failed": ["제공자가 다시 확인하지 않았습니다", "제공자에서 로그아웃한 뒤 다시 시도하세요."],
    "provider-unavailable": ["제공자가 응답하지 않습니다", "잠시 뒤 다시 시도하거나 다른 방법으로 로그인하세요."],
    other: ["로그인하지 못했습니다", "다시 시작하거나 다른 방법으로 로그인하세요."],
    code: "코드", button: "로그인", unreachable: "서버에 연결할 수 없습니다. 다시 시도하세요.",
  },
};
const language = navigator.language.toLowerCase().startsWith("ko") ? "ko" : "en";
const words = texts[language];
const part = (id) => document.getElementById(id);
const query = new URLSearchParams(location.search);
const hidden = new URLSearchParams(location.hash.slice(1));
const token = hidden.get("mfa_token");
const form = part("form");
const finished = location.pathname.startsWith("/auth/");

history.replaceState(null, "", location.pathname);
document.documentElement.lang = language;
part("code-label").textContent = words.code;
part("button").textContent = words.button;
show(finished && query.get("success") ? "success" : query.get("error"));
form.hidden = token === null;

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  part("button").disabled = true;
  part("outcome").textContent = "";
  try {
    const answer = await fetch("/api/v1/accounts/token", {
      method: "POST",
      headers: { "Accept-Language": language },
      body: new URLSearchParams({ grant_type: "urn:madang:mfa", mfa_token: token, code: form.code.value }),
    });
    if (answer.ok) finish(); else refuse(await answer.json());
  } catch {
    say(words.unreachable);
  }
  part("button").disabled = false;
});

function finish() {
  form.hidden = true;
  show("success");
  const next = own(hidden.get("next"));
  if (next) location.assign(next);
}

// The fragment may come from anybody's link, so it leads nowhere but here.
function own(next) {
  try {
    const url = new URL(next, location.origin);
    return next && url.origin === location.origin && url.protocol.startsWith("http") ? url.href : null;
  } catch {
    return null;
  }
}

function refuse(problem) {
  say(problem.error_description ?? problem.detail);
}

function show(name) {
  const [title, lead] = Object.hasOwn(words, name) && Array.isArray(words[name]) ? words[name] : words.other;
  part("title").textContent = title;
  part("lead").textContent = lead;
  document.title = `${title} · Madang`;
}

function say(text) {
  part("outcome").textContent = text;
  part("outcome").classList.add("refused");
}
