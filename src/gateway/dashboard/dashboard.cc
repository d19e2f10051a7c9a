#include "assay/gateway/dashboard/dashboard.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <mutex>
#include <optional>
#include <utility>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "assay/crypto/password.h"
#include "assay/crypto/secret.h"

#include "dashboard/assets_internal.h"
#include "dashboard/json_internal.h"
#include "dashboard/request_check_internal.h"
#include "dashboard/sessions_internal.h"

namespace assay::gateway::dashboard {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxHashFileBytes = 4096;
constexpr std::size_t kPageRows = 50;
constexpr std::size_t kMaxPageRows = 200;
constexpr std::string_view kArgon2Prefix = "$argon2";
constexpr int kFirstErrorStatus = 400;
constexpr std::int64_t kNsPerMs = 1'000'000;

HttpReply Refuse(int status, std::string code, std::string message, std::int64_t wait_s = 0) {
  ApiError error;
  error.status = status;
  error.type = ErrorTypeOf(status);
  error.code = std::move(code);
  error.message = std::move(message);
  error.retry_after_s = static_cast<int>(wait_s);
  return ErrorReply(error);
}

// The value as `to_json` writes it, or the error.
template <typename T, typename ToJson>
HttpReply JsonOr(const Result<T>& value, ToJson to_json) {
  return value ? HttpReply::Json(to_json(*value)) : ErrorReply(value.error());
}

crypto::AuditEvent EventOf(std::string action, std::string actor) {
  crypto::AuditEvent event;
  event.action = std::move(action);
  event.actor = std::move(actor);
  return event;
}

// A page number of the address; 0 for none.
std::int64_t CursorOf(const HttpRequest& request) {
  const std::string text = request.QueryParameter("before").value_or("");
  std::int64_t cursor = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), cursor);
  return error == std::errc() && end == text.data() + text.size() && cursor > 0 ? cursor : 0;
}

std::size_t LimitOf(const HttpRequest& request) {
  const std::string text = request.QueryParameter("limit").value_or("");
  std::size_t limit = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), limit);
  if (parsed.ec != std::errc() || limit == 0) return kPageRows;
  return std::min(limit, kMaxPageRows);
}

// What a handler asks of the caller before it runs.
enum class Guard : std::uint8_t {
  kOpen,     // nothing
  kSession,  // a session
  kChange,   // a session, and the token that no other site knows
};

}  // namespace

class Dashboard::Impl {
 public:
  Impl(Options options, std::string fixed_hash, Sources& sources)
      : options_(std::move(options)),
        fixed_hash_(std::move(fixed_hash)),
        sources_(sources),
        clock_(options_.clock == nullptr ? core::Clock::Real() : *options_.clock),
        sessions_(clock_, options_.session_ms),
        gate_(clock_) {}

  Result<void> AddRoutes(Router& router);

 private:
  using Answer = HttpReply (Impl::*)(const HttpRequest&);

  HttpReply Handle(Guard guard, Answer answer, const HttpRequest& request);

  HttpReply State(const HttpRequest& request);
  HttpReply Login(const HttpRequest& request);
  HttpReply Logout(const HttpRequest& request);
  HttpReply Traffic(const HttpRequest& request);
  HttpReply Exchanges(const HttpRequest& request);
  HttpReply OneExchange(const HttpRequest& request);
  HttpReply Upstreams(const HttpRequest& request);
  HttpReply Tiers(const HttpRequest& request);
  HttpReply Purge(const HttpRequest& request);
  HttpReply Experiments(const HttpRequest& request);
  HttpReply OneExperiment(const HttpRequest& request);
  HttpReply StopExperiment(const HttpRequest& request) { return Switch(request, true); }
  HttpReply StartExperiment(const HttpRequest& request) { return Switch(request, false); }
  HttpReply Switch(const HttpRequest& request, bool stopped);
  HttpReply Keys(const HttpRequest& request);
  HttpReply CreateKey(const HttpRequest& request);
  HttpReply RevokeKey(const HttpRequest& request);

  [[nodiscard]] Result<std::string> PasswordHash() const;
  [[nodiscard]] std::optional<Session> SessionOf(const HttpRequest& request);
  [[nodiscard]] std::string Cookie(std::string_view token, std::int64_t max_age_s) const;
  [[nodiscard]] static std::string ActorOf(const HttpRequest& request) {
    return "dashboard " + AddressOf(request.peer);
  }

  const Options options_;
  const std::string fixed_hash_;
  Sources& sources_;
  core::Clock& clock_;
  SessionTable sessions_;
  LoginGate gate_;
  std::mutex hashing_;  // one Argon2id at a time: sign-ins never take more than its memory once
};

Result<void> Dashboard::Impl::AddRoutes(Router& router) {
  const Handler asset = [](const HttpRequest& request) {
    return AssetReply(request.PathParameter("path"), request.headers.Get("if-none-match"));
  };
  ASSAY_TRY(router.Add("GET", "/dashboard", Scope::kNone, asset));
  ASSAY_TRY(router.Add("GET", "/dashboard/{path...}", Scope::kNone, asset));
  struct Row {
    std::string_view method;
    std::string_view path;
    Guard guard;
    Answer answer;
  };
  const Row rows[] = {
      {"GET", "session", Guard::kOpen, &Impl::State},
      {"POST", "login", Guard::kOpen, &Impl::Login},
      {"POST", "logout", Guard::kChange, &Impl::Logout},
      {"GET", "traffic", Guard::kSession, &Impl::Traffic},
      {"GET", "exchanges", Guard::kSession, &Impl::Exchanges},
      {"GET", "exchanges/{id}", Guard::kSession, &Impl::OneExchange},
      {"GET", "upstreams", Guard::kSession, &Impl::Upstreams},
      {"GET", "cache", Guard::kSession, &Impl::Tiers},
      {"DELETE", "cache", Guard::kChange, &Impl::Purge},
      {"GET", "experiments", Guard::kSession, &Impl::Experiments},
      {"GET", "experiments/{id}", Guard::kSession, &Impl::OneExperiment},
      {"POST", "experiments/{id}/stop", Guard::kChange, &Impl::StopExperiment},
      {"POST", "experiments/{id}/start", Guard::kChange, &Impl::StartExperiment},
      {"GET", "keys", Guard::kSession, &Impl::Keys},
      {"POST", "keys", Guard::kChange, &Impl::CreateKey},
      {"DELETE", "keys/{id}", Guard::kChange, &Impl::RevokeKey},
  };
  for (const Row& row : rows) {
    ASSAY_TRY(
        router.Add(row.method, fmt::format("/dashboard/api/{}", row.path), Scope::kSession,
                   [this, guard = row.guard, answer = row.answer](const HttpRequest& request) {
                     HttpReply reply = Handle(guard, answer, request);
                     AddSecurityHeaders(reply);
                     return reply;
                   }));
  }
  return {};
}

HttpReply Dashboard::Impl::Handle(Guard guard, Answer answer, const HttpRequest& request) {
  if (CameFromElsewhere(request)) {
    return Refuse(403, "cross_site", "The request came from a page of another site.");
  }
  if (guard != Guard::kOpen) {
    const std::optional<Session> session = SessionOf(request);
    if (!session) return Refuse(401, "no_session", "Sign in; the session is over.");
    if (guard == Guard::kChange &&
        !crypto::ConstantTimeEqual(request.headers.Get(kCsrfHeader), session->csrf)) {
      return Refuse(403, "wrong_csrf_token", "The request lacks the token of this session.");
    }
  }
  return (this->*answer)(request);
}

// The hash that a sign-in is checked against. Errors: kNotFound when no password is set.
Result<std::string> Dashboard::Impl::PasswordHash() const {
  if (!fixed_hash_.empty()) return fixed_hash_;
  if (options_.password_file.empty()) return Fail(Code::kNotFound, "No password is set.");
  ASSAY_ASSIGN(const crypto::SecretBytes bytes,
               crypto::ReadSecretFile(options_.password_file, kMaxHashFileBytes));
  std::string_view text = bytes.view();
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  return std::string(text);
}

std::optional<Session> Dashboard::Impl::SessionOf(const HttpRequest& request) {
  std::optional<Session> session =
      sessions_.Find(CookieValue(request.headers.Get("cookie"), kSessionCookie));
  if (!session) return std::nullopt;
  const Result<std::string> hash = PasswordHash();
  if (!hash || *hash != session->password_hash) return std::nullopt;
  return session;
}

std::string Dashboard::Impl::Cookie(std::string_view token, std::int64_t max_age_s) const {
  return fmt::format("{}={}; Path=/dashboard; HttpOnly; SameSite=Strict; Max-Age={}{}",
                     kSessionCookie, token, max_age_s, options_.secure_cookie ? "; Secure" : "");
}

HttpReply Dashboard::Impl::State(const HttpRequest& request) {
  json::object state = {{"version", options_.version}};
  const std::optional<Session> session = SessionOf(request);
  state["authenticated"] = session.has_value();
  if (session) {
    state["csrf"] = session->csrf;
    state["expires_ms"] = clock_.wall_ns() / kNsPerMs + sessions_.LeftMs(*session);
  }
  const Result<std::string> hash = PasswordHash();
  // A file that is there and cannot be read is a fault to mend, not a password to set.
  if (!hash && hash.error().code != Code::kNotFound) return ErrorReply(hash.error());
  state["password_set"] = hash.has_value();
  state["data_folder"] = !options_.password_file.empty();
  return HttpReply::Json(json::serialize(state));
}

HttpReply Dashboard::Impl::Login(const HttpRequest& request) {
  if (!SendsJson(request)) {
    return Refuse(415, "not_json", "The body must be application/json.");
  }
  const Result<std::string> password = TextField(request.body, "password");
  if (!password) return ErrorReply(password.error());
  if (password->size() > kMaxPasswordBytes) {
    return Refuse(400, "too_long", "No password is that long.");
  }
  const Result<std::string> hash = PasswordHash();
  if (!hash) {
    if (hash.error().code != Code::kNotFound) return ErrorReply(hash.error());
    return Refuse(412, "no_password", "No password is set: run `assay dashboard password`.");
  }
  const std::string address = AddressOf(request.peer);
  if (const std::int64_t wait_s = gate_.Enter(address); wait_s > 0) {
    return Refuse(429, "too_many_tries", "Too many tries.", wait_s);
  }
  const Result<bool> right = [&] {
    const std::lock_guard lock(hashing_);
    return crypto::VerifyPassword(*password, *hash);
  }();
  if (!right) return ErrorReply(right.error());
  if (!*right) {
    sources_.Note(EventOf("admin.login_refused", ActorOf(request)));
    return Refuse(401, "wrong_password", "That is not the password.");
  }
  gate_.Succeeded(address);
  sources_.Note(EventOf("admin.login", ActorOf(request)));
  const std::string token = sessions_.Open(*hash);
  const std::optional<Session> session = sessions_.Find(token);
  HttpReply reply = HttpReply::Json(
      json::serialize(json::object{{"csrf", session ? session->csrf : std::string()}}));
  reply.headers.Add("set-cookie", Cookie(token, options_.session_ms / 1000));
  return reply;
}

HttpReply Dashboard::Impl::Logout(const HttpRequest& request) {
  sessions_.Close(CookieValue(request.headers.Get("cookie"), kSessionCookie));
  HttpReply reply = HttpReply::Json("{}");
  reply.headers.Add("set-cookie", Cookie("", 0));
  return reply;
}

HttpReply Dashboard::Impl::Traffic(const HttpRequest& request) {
  const bool hour = request.QueryParameter("range").value_or("hour") == "hour";
  return HttpReply::Json(TrafficJson(sources_.Metrics(), hour ? Range::kHour : Range::kMinutes));
}

HttpReply Dashboard::Impl::Exchanges(const HttpRequest& request) {
  return JsonOr(sources_.Exchanges(FilterOf(request), CursorOf(request), LimitOf(request)),
                ExchangePageJson);
}

HttpReply Dashboard::Impl::OneExchange(const HttpRequest& request) {
  return JsonOr(sources_.Exchange(std::string(request.PathParameter("id"))), ExchangeJson);
}

HttpReply Dashboard::Impl::Upstreams(const HttpRequest& /*request*/) {
  const std::vector<UpstreamView> upstreams = sources_.Upstreams();
  std::vector<LastError> errors(upstreams.size());
  for (std::size_t i = 0; i < upstreams.size(); ++i) {
    telemetry::ExchangeFilter filter;
    filter.upstream = upstreams[i].name;
    filter.min_status = kFirstErrorStatus;
    const auto page = sources_.Exchanges(filter, 0, 1);
    if (!page || page->records.empty()) continue;
    const telemetry::ExchangeRecord& last = page->records.front();
    errors[i] = {.message = last.error_message.empty() ? fmt::format("Status {}.", last.http_status)
                                                       : last.error_message,
                 .at_ms = last.start_unix_ms};
  }
  return HttpReply::Json(UpstreamsJson(upstreams, errors, clock_.wall_ns() / kNsPerMs));
}

HttpReply Dashboard::Impl::Tiers(const HttpRequest& /*request*/) {
  return HttpReply::Json(CacheJson(sources_.Tiers(), sources_.Semantic()));
}

HttpReply Dashboard::Impl::Purge(const HttpRequest& request) {
  const cache::Filter filter{.tenant = request.QueryParameter("tenant"),
                             .route = request.QueryParameter("route"),
                             .model = request.QueryParameter("model")};
  const Result<std::uint64_t> purged = sources_.Purge(filter);
  if (!purged) return ErrorReply(purged.error());
  crypto::AuditEvent event = EventOf("cache.purge", ActorOf(request));
  for (const auto& [name, value] :
       {std::pair("tenant", filter.tenant), {"route", filter.route}, {"model", filter.model}}) {
    if (value) event.details.emplace_back(name, *value);
  }
  event.details.emplace_back("entries", std::to_string(*purged));
  sources_.Note(event);
  return HttpReply::Json(json::serialize(json::object{{"purged", *purged}}));
}

HttpReply Dashboard::Impl::Experiments(const HttpRequest& /*request*/) {
  return HttpReply::Json(sources_.Experiments());
}

HttpReply Dashboard::Impl::OneExperiment(const HttpRequest& request) {
  return JsonOr(sources_.Experiment(request.PathParameter("id")), std::identity{});
}

HttpReply Dashboard::Impl::Switch(const HttpRequest& request, bool stopped) {
  const std::string_view id = request.PathParameter("id");
  if (const auto done = sources_.StopExperiment(id, stopped); !done) {
    return ErrorReply(done.error());
  }
  crypto::AuditEvent event =
      EventOf(stopped ? "experiment.stop" : "experiment.start", ActorOf(request));
  event.details.emplace_back("experiment", id);
  sources_.Note(event);
  return HttpReply::Json("{}");
}

HttpReply Dashboard::Impl::Keys(const HttpRequest& /*request*/) {
  return JsonOr(sources_.Keys(),
                [](const std::vector<crypto::KeyInfo>& keys) { return KeysJson(keys); });
}

HttpReply Dashboard::Impl::CreateKey(const HttpRequest& request) {
  const Result<crypto::KeySpec> spec = KeySpecOf(request.body);
  if (!spec) return ErrorReply(spec.error());
  const Result<crypto::NewKey> key = sources_.CreateKey(*spec, ActorOf(request));
  if (!key) return ErrorReply(key.error());
  return HttpReply::Json(
      json::serialize(json::object{{"id", key->id.view()}, {"token", key->token.view()}}), 201);
}

HttpReply Dashboard::Impl::RevokeKey(const HttpRequest& request) {
  const Result<void> revoked = sources_.RevokeKey(request.PathParameter("id"), ActorOf(request));
  return revoked ? HttpReply::Json("{}") : ErrorReply(revoked.error());
}

Result<std::unique_ptr<Dashboard>> Dashboard::Make(Options options, Sources& sources) {
  std::string hash;
  if (options.password.starts_with(kArgon2Prefix)) {
    if (const auto parsed = crypto::ParsePasswordHash(options.password); !parsed) {
      return std::unexpected(parsed.error());
    }
    hash = options.password;
  } else if (!options.password.empty()) {
    ASSAY_TRY(CheckPasswordLength(options.password));
    ASSAY_ASSIGN(hash, crypto::HashPassword(options.password));
  }
  crypto::Wipe(options.password);
  options.password.clear();
  return std::unique_ptr<Dashboard>(
      new Dashboard(std::make_unique<Impl>(std::move(options), std::move(hash), sources)));
}

Dashboard::Dashboard(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Dashboard::~Dashboard() = default;

Result<void> Dashboard::AddRoutes(Router& router) {
  return impl_->AddRoutes(router);
}

}  // namespace assay::gateway::dashboard
