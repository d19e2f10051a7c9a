// Security: who may ask what, and that nobody sees what is another's. Each promise is tried on a
// running gateway.
#include "validate/sections/security.h"

#include <chrono>
#include <optional>
#include <thread>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/crypto/key_store.h"

#include "validate/parts/gateway_child.h"
#include "validate/parts/stand_in.h"
#include "validate/parts/wire.h"
#include "validate/sections.h"

namespace assay::cli::validate {
namespace {

constexpr std::string_view kActor = "cli:assay validate";
constexpr std::string_view kLevel =
    "security level 10.0x (a level has no unit: each promise is tried)";
constexpr std::string_view kChat = "/v1/chat/completions";
constexpr int kTimeoutS = 20;
constexpr auto kRevocation = std::chrono::seconds(10);
constexpr std::uint64_t kBudget = 3;  // requests an hour

std::string Question(std::string_view text) {
  return boost::json::serialize(boost::json::object{
      {"model", "stand-in"}, {"messages", {{{"role", "user"}, {"content", text}}}}});
}

// A gateway that asks for keys, and the keys.
struct Guarded {
  std::unique_ptr<StandIn> upstream;
  std::unique_ptr<crypto::KeyStore> store;
  std::unique_ptr<GatewayChild> gateway;
  std::string plain, other_tenant, claims_only, limited, ended;
  crypto::KeyId ended_id;

  // Errors: kUnavailable.
  Result<Message> Ask(std::string_view method, std::string_view path, std::string_view body,
                      std::string_view token, Headers more = {}) const {
    std::string request = RequestBytes(method, path, body, more);
    if (!token.empty()) {
      request.insert(request.find("\r\n") + 2, fmt::format("authorization: Bearer {}\r\n", token));
    }
    ASSAY_ASSIGN(Connection connection, Connection::Open(gateway->port(), kTimeoutS));
    return connection.Ask(request);
  }
  Result<int> Status(std::string_view path, std::string_view body, std::string_view token) const {
    ASSAY_ASSIGN(const Message answer, Ask(body.empty() ? "GET" : "POST", path, body, token));
    return answer.status();
  }
};

Result<Guarded> StartGuarded(Session& session) {
  Guarded out;
  ASSAY_ASSIGN(out.upstream, StandIn::Start("The answer of the stand-in."));
  const std::string folder = session.folder() + "/guarded";
  crypto::KeyStoreOptions options;
  options.directory = folder;
  ASSAY_ASSIGN(out.store, crypto::KeyStore::Open(std::move(options)));
  const auto create = [&](crypto::KeySpec spec, std::string& token,
                          crypto::KeyId* id = nullptr) -> Result<void> {
    spec.name = "validate";
    ASSAY_ASSIGN(const crypto::NewKey made, out.store->Create(spec, kActor));
    token = std::string(made.token.view());
    if (id != nullptr) *id = made.id;
    return {};
  };
  crypto::KeySpec spec;
  spec.tenant = "one";
  ASSAY_TRY(create(spec, out.plain));
  ASSAY_TRY(create(spec, out.ended, &out.ended_id));
  spec.budget = {crypto::Period::kHour, {.requests = kBudget}};
  ASSAY_TRY(create(spec, out.limited));
  spec = {};
  spec.tenant = "two";
  ASSAY_TRY(create(spec, out.other_tenant));
  spec.scopes = {crypto::Scope::kClaims};
  ASSAY_TRY(create(spec, out.claims_only));
  boost::json::object settings = {{"data_folder", folder},
                                  {"keys", {{"mode", "required"}}},
                                  {"upstreams", {{"stand-in", {{"url", out.upstream->url()}}}}}};
  ASSAY_ASSIGN(out.gateway, GatewayChild::Start(session.folder(), "guarded", std::move(settings)));
  return out;
}

Finding Row(std::string name, std::string promised) {
  Finding out;
  out.section = "security";
  out.name = std::move(name);
  out.claimed = kLevel;
  out.promised = std::move(promised);
  return out;
}

// How long until a revoked key is refused; nothing when it is not within kRevocation.
Result<std::optional<double>> UntilRefused(const Guarded& guarded) {
  ASSAY_TRY(guarded.store->Revoke(guarded.ended_id.view(), kActor));
  const auto begin = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - begin < kRevocation) {
    ASSAY_ASSIGN(const int status, guarded.Status(kChat, Question("revoked?"), guarded.ended));
    if (status == 401) {
      return std::optional(
          std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return std::optional<double>();
}

Result<Finding> Keys(const Guarded& guarded) {
  Finding out = Row("keys",
                    "200 with a key; 401 without one, with a wrong one, with one that was "
                    "revoked a moment ago (within 2 s)");
  const std::string body = Question("Who may ask?");
  std::string wrong = guarded.plain;
  wrong.back() = wrong.back() == 'a' ? 'b' : 'a';
  ASSAY_ASSIGN(const int with, guarded.Status(kChat, body, guarded.plain));
  ASSAY_ASSIGN(const int without, guarded.Status(kChat, body, ""));
  ASSAY_ASSIGN(const int bad, guarded.Status(kChat, body, wrong));
  ASSAY_ASSIGN(const int nonsense, guarded.Status(kChat, body, "sk-not-a-key"));
  ASSAY_ASSIGN(const int before, guarded.Status(kChat, body, guarded.ended));
  ASSAY_ASSIGN(const std::optional<double> refused, UntilRefused(guarded));
  out.measured =
      fmt::format("with {}; none {}, one letter wrong {}, nonsense {}; revoked: {} before, {}",
                  with, without, bad, nonsense, before,
                  refused ? fmt::format("401 after {:.2f} s", *refused)
                          : std::string("still served after 10 s"));
  const bool holds = with == 200 && without == 401 && bad == 401 && nonsense == 401 &&
                     before == 200 && refused && *refused <= 2;
  out.verdict = holds ? Verdict::kHolds : Verdict::kFallsShort;
  return out;
}

Result<Finding> Scopes(const Guarded& guarded) {
  Finding out = Row("scopes",
                    "403 for what the key does not open: a question with a key for claims, "
                    "keys, cache and claims with a key for questions");
  ASSAY_ASSIGN(const int chat, guarded.Status(kChat, Question("May I?"), guarded.claims_only));
  ASSAY_ASSIGN(const int keys, guarded.Status("/v1/keys", "", guarded.plain));
  ASSAY_ASSIGN(const int cache, guarded.Status("/v1/cache/stats", "", guarded.plain));
  ASSAY_ASSIGN(const int claims, guarded.Status("/v1/claims/extract",
                                                R"({"text": "It is 12 euros."})", guarded.plain));
  out.measured =
      fmt::format("question {}, keys {}, cache {}, claims {}", chat, keys, cache, claims);
  const bool holds = chat == 403 && keys == 403 && cache == 403 && claims == 403;
  out.verdict = holds ? Verdict::kHolds : Verdict::kFallsShort;
  return out;
}

Result<Finding> Limits(const Guarded& guarded) {
  Finding out =
      Row("limits of a key", fmt::format("{} requests an hour: exactly {} are answered, the "
                                         "next gets 429 with retry-after",
                                         kBudget, kBudget));
  std::uint64_t answered = 0;
  int last = 200;
  std::string wait;
  while (last == 200 && answered <= kBudget) {
    ASSAY_ASSIGN(
        const Message answer,
        guarded.Ask("POST", kChat, Question(fmt::format("Number {}?", answered)), guarded.limited));
    last = answer.status();
    wait = std::string(answer.Header("retry-after"));
    if (last == 200) ++answered;
  }
  out.measured = fmt::format("{} answered, then {} with retry-after '{}'", answered, last, wait);
  const bool holds =
      answered == kBudget && last == 429 && std::strtol(wait.c_str(), nullptr, 10) > 0;
  out.verdict = holds ? Verdict::kHolds : Verdict::kFallsShort;
  return out;
}

Result<Finding> Tenants(const Guarded& guarded) {
  Finding out = Row("tenants",
                    "an answer in the cache of one tenant is a miss for another, and no "
                    "header changes that");
  const std::string body = Question("What does tenant one ask?");
  ASSAY_ASSIGN(const Message first, guarded.Ask("POST", kChat, body, guarded.plain));
  ASSAY_ASSIGN(const Message again, guarded.Ask("POST", kChat, body, guarded.plain));
  ASSAY_ASSIGN(const Message cached, guarded.Ask("POST", kChat, body, guarded.other_tenant,
                                                 {{"cache-control", "only-if-cached"}}));
  const std::uint64_t calls = guarded.upstream->calls();
  ASSAY_ASSIGN(const Message other, guarded.Ask("POST", kChat, body, guarded.other_tenant));
  const std::uint64_t asked = guarded.upstream->calls() - calls;
  ASSAY_ASSIGN(const Message posing,
               guarded.Ask("POST", kChat, body, guarded.other_tenant, {{"x-assay-tenant", "one"}}));
  out.measured = fmt::format(
      "its own: {}, then {}; the other's look into the cache alone {}, its question '{}' and {} "
      "call "
      "of the upstream, posing as the first {}",
      first.Header("x-assay-cache"), again.Header("x-assay-cache"), cached.status(),
      other.Header("x-assay-cache"), asked, posing.status());
  const bool holds = again.Header("x-assay-cache").starts_with("hit") && cached.status() == 504 &&
                     other.Header("x-assay-cache") == "miss" && asked == 1 &&
                     posing.status() == 403;
  out.verdict = holds ? Verdict::kHolds : Verdict::kFallsShort;
  return out;
}

}  // namespace

Result<void> RunSecurity(Session& session) {
  session.Step("security: keys, scopes, limits, tenants");
  ASSAY_ASSIGN(Guarded guarded, StartGuarded(session));
  for (const auto part : {Keys, Scopes, Limits, Tenants}) {
    ASSAY_ASSIGN(Finding found, part(guarded));
    session.Add(std::move(found));
  }
  guarded.gateway->Stop();
  ASSAY_ASSIGN(Finding audit, ProveAuditLog(*guarded.store, session.folder()));
  session.Add(std::move(audit));
  session.Step("security: sealed answers");
  ASSAY_ASSIGN(Finding sealed, ProveSealing(session));
  session.Add(std::move(sealed));
  session.Step("security: fuzz corpora");
  ASSAY_ASSIGN(Finding replayed, ReplayCorpus(session));
  session.Add(std::move(replayed));
  return {};
}

}  // namespace assay::cli::validate
