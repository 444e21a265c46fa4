// The page behind a mailed link. The token is in the fragment, which no server sees; only the button sends it.
const texts = {
  en: {
    verify: {
      title: "Confirm your e-mail address", lead: "One click, and this address belongs to your account.",
      button: "Confirm", done: "Your address is confirmed. You can close this page.",
    },
    reset: {
      title: "Choose a new password", lead: "It ends every open session of your account.",
      button: "Set the password", done: "Your password is changed. Sign in with the new one.",
    },
    code: "Code from the mail", password: "New password", unreachable: "The server can't be reached. Try again.",
  },
  ko: {
    verify: {
      title: "이메일 주소 확인", lead: "버튼을 누르면 이 주소가 내 계정의 주소로 확인됩니다.",
      button: "확인", done: "주소가 확인되었습니다. 이 페이지를 닫아도 됩니다.",
    },
    reset: {
      title: "새 비밀번호 정하기", lead: "계정의 열려 있는 모든 세션이 종료됩니다.",
      button: "비밀번호 변경", done: "비밀번호가 변경되었습니다. 새 비밀번호로 로그인하세요.",
    },
    code: "메일로 받은 코드", password: "새 비밀번호", unreachable: "서버에 연결할 수 없습니다. 다시 시도하세요.",
  },
};
const language = navigator.language.toLowerCase().startsWith("ko") ? "ko" : "en";
const purpose = location.pathname.includes("reset") ? "reset" : "verify";
const calls = { verify: "/api/v1/accounts/email/verify", reset: "/api/v1/accounts/password/reset" };
const words = texts[language];
const part = (id) => document.getElementById(id);
const form = part("form");
const token = new URLSearchParams(location.hash.slice(1)).get("code");

document.documentElement.lang = language;
document.title = `${words[purpose].title} · Madang`;
for (const id of ["title", "lead", "button"]) part(id).textContent = words[purpose][id];
part("code-label").textContent = words.code;
part("password-label").textContent = words.password;
part("code-field").hidden = token !== null;
part("password-field").hidden = purpose !== "reset";
form.code.required = token === null;
form.new_password.required = purpose === "reset";

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const body = { code: token ?? form.code.value };
  if (purpose === "reset") body.new_password = form.new_password.value;
  part("button").disabled = true;
  say("");
  try {
    const answer = await fetch(calls[purpose], {
      method: "POST",
      headers: { "Content-Type": "application/json", "Accept-Language": language },
      body: JSON.stringify(body),
    });
    if (answer.ok) finish(); else refuse(await answer.json());
  } catch {
    say(words.unreachable, true);
  }
  part("button").disabled = false;
});

function finish() {
  form.hidden = true;
  part("lead").hidden = true;
  history.replaceState(null, "", location.pathname);
  say(words[purpose].done);
}

function refuse(problem) {
  say(problem.errors?.[0]?.detail ?? problem.detail, true);
}

function say(text, refused = false) {
  part("outcome").textContent = text;
  part("outcome").classList.toggle("refused", refused);
}
