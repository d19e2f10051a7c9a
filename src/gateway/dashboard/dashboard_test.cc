#include "assay/gateway/dashboard/dashboard.h"

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include <boost/json.hpp>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "assay/gateway/router.h"

#include "dashboard/assets_internal.h"
#include "dashboard/embedded_file_internal.h"
#include "fake_clock.h"
#include "temp_dir.h"

namespace assay::gateway::dashboard {
namespace {

namespace json = boost::json;

constexpr std::string_view kPassword = "correct horse battery";
constexpr std::int64_t kHourMs = 3'600'000;
constexpr std::int64_t kNsPerMs = 1'000'000;

// Sources with one of everything, that remember what was asked of them.
class FakeSources final : public Sources {
 public:
  telemetry::MetricsSnapshot Metrics() override { return {}; }
  Result<telemetry::ExchangePage> Exchanges(const telemetry::ExchangeFilter& filter,
                                            std::int64_t cursor, std::size_t limit) override {
    last_filter = filter;
    last_cursor = cursor;
    last_limit = limit;
    telemetry::ExchangePage page;
    page.records.push_back(record);
    page.next_cursor = 41;
    return page;
  }
  Result<telemetry::ExchangeRecord> Exchange(const std::string& id) override {
    if (id != record.request_id) return Fail(Code::kNotFound, "There is no such exchange.");
    return record;
  }
  std::vector<UpstreamView> Upstreams() override { return {UpstreamView{.name = "gpu"}}; }
  std::vector<TierView> Tiers() override { return {TierView{.name = "memory"}}; }
  std::vector<SemanticView> Semantic() override {
    SemanticView view{.route = "chat", .stats = {}};
    view.stats.checked = 40;
    view.stats.wrong = 1;
    view.stats.false_hit_rate = {.low = 0.001, .high = 0.13};
    view.stats.file_error = "the disk is full";
    return {view};
  }
  Result<std::uint64_t> Purge(const cache::Filter& filter) override {
    purged = filter;
    return 7;
  }
  Result<std::vector<crypto::KeyInfo>> Keys() override { return std::vector<crypto::KeyInfo>{}; }
  Result<crypto::NewKey> CreateKey(const crypto::KeySpec& spec, std::string_view actor) override {
    created = spec;
    created_by = actor;
    return crypto::NewKey{.id = {}, .token = crypto::SecretString::Copy("ask_once")};
  }
  Result<void> RevokeKey(std::string_view id, std::string_view /*actor*/) override {
    revoked = id;
    return {};
  }
  std::string Experiments() override { return R"({"experiments":[{"id":"tone"}]})"; }
  Result<std::string> Experiment(std::string_view id) override {
    if (id != "tone") return Fail(Code::kNotFound, "There is no such experiment.");
    return R"({"id":"tone"})";
  }
  Result<void> StopExperiment(std::string_view id, bool stopped) override {
    if (id != "tone") return Fail(Code::kNotFound, "There is no such experiment.");
    experiment_stopped = stopped;
    return {};
  }
  void Note(const crypto::AuditEvent& event) override { notes.push_back(event.action); }

  telemetry::ExchangeRecord record;
  telemetry::ExchangeFilter last_filter;
  std::int64_t last_cursor = -1;
  std::size_t last_limit = 0;
  std::optional<cache::Filter> purged;
  std::optional<crypto::KeySpec> created;
  std::string created_by;
  std::string revoked;
  std::optional<bool> experiment_stopped;
  std::vector<std::string> notes;
};

class DashboardTest : public ::testing::Test {
 protected:
  void SetUp() override {
    sources_.record.request_id = "req_1";
    Start({.password_file = PasswordFile()});
  }

  std::string PasswordFile() const { return folder_.path() + "/" + std::string(kPasswordFile); }

  void Start(Options options) {
    options.version = "9.9.9";
    options.clock = &clock_;
    auto made = Dashboard::Make(std::move(options), sources_);
    ASSERT_TRUE(made) << made.error().message;
    dashboard_ = *std::move(made);
    router_ = Router();
    ASSERT_TRUE(dashboard_->AddRoutes(router_));
  }

  HttpReply Ask(std::string method, const std::string& path, std::string body = {},
                const std::vector<HttpHeaders::Field>& more = {}) {
    HttpRequest request;
    request.method = std::move(method);
    const std::size_t mark = path.find('?');
    request.path = path.substr(0, mark);
    if (mark != std::string::npos) request.query = path.substr(mark + 1);
    request.body = std::move(body);
    request.peer = peer_;
    request.headers.Add("content-type", "application/json");
    if (!cookie_.empty()) request.headers.Add("cookie", "other=1; assay_session=" + cookie_);
    for (auto& field : more) request.headers.Add(field.name, field.value);
    return router_.Dispatch(request);
  }

  HttpReply TryPassword(std::string_view password) {
    return Ask("POST", "/dashboard/api/login",
               json::serialize(json::object{{"password", password}}));
  }

  void SignIn() {
    ASSERT_TRUE(SetPassword(PasswordFile(), kPassword));
    const HttpReply reply = TryPassword(kPassword);
    ASSERT_EQ(reply.status, 200) << reply.body;
    const std::string header(reply.headers.Get("set-cookie"));
    cookie_ = header.substr(header.find('=') + 1, header.find(';') - header.find('=') - 1);
    csrf_ = std::string(json::parse(reply.body).at("csrf").as_string());
  }

  HttpReply Change(std::string method, const std::string& path, std::string body = {}) {
    return Ask(std::move(method), path, std::move(body), {{"x-csrf-token", csrf_}});
  }

  bool SignedIn() {
    return json::parse(Ask("GET", "/dashboard/api/session").body).at("authenticated").as_bool();
  }

  testing::TempDir folder_;
  testing::FakeClock clock_{1'700'000'000'000'000'000};
  FakeSources sources_;
  std::unique_ptr<Dashboard> dashboard_;
  Router router_;
  std::string peer_ = "10.0.0.3:5000";
  std::string cookie_;
  std::string csrf_;
};

TEST_F(DashboardTest, WithoutAPasswordNobodyGetsInAndTheStateSaysSo) {
  const json::value state = json::parse(Ask("GET", "/dashboard/api/session").body);
  EXPECT_FALSE(state.at("password_set").as_bool());
  EXPECT_FALSE(state.at("authenticated").as_bool());
  EXPECT_EQ(state.at("version").as_string(), "9.9.9");
  EXPECT_EQ(state.as_object().if_contains("csrf"), nullptr);
  const HttpReply reply = TryPassword("");
  EXPECT_EQ(reply.status, 412);
  EXPECT_NE(reply.body.find("assay dashboard password"), std::string::npos);
}

TEST_F(DashboardTest, ThePasswordFileHoldsAHashThatOnlyItsOwnerReads) {
  ASSERT_TRUE(SetPassword(PasswordFile(), kPassword));
  struct stat info{};
  ASSERT_EQ(::stat(PasswordFile().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  const auto text = core::FileSystem::Real().ReadFile(PasswordFile(), 4096);
  ASSERT_TRUE(text);
  EXPECT_TRUE(text->starts_with("$argon2id$v=19$")) << *text;
  EXPECT_EQ(text->find(kPassword), std::string::npos);
}

TEST_F(DashboardTest, AShortPasswordIsRefused) {
  const auto set = SetPassword(PasswordFile(), "1234567");
  ASSERT_FALSE(set);
  EXPECT_EQ(set.error().code, Code::kInvalidArgument);
  EXPECT_EQ(set.error().message.find("1234567"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(PasswordFile()));
}

TEST_F(DashboardTest, TheRightPasswordOpensASessionWithAStrictCookie) {
  ASSERT_TRUE(SetPassword(PasswordFile(), kPassword));
  const HttpReply reply = TryPassword(kPassword);
  ASSERT_EQ(reply.status, 200) << reply.body;
  const std::string cookie(reply.headers.Get("set-cookie"));
  EXPECT_NE(cookie.find("; Path=/dashboard; HttpOnly; SameSite=Strict; Max-Age=43200"),
            std::string::npos)
      << cookie;
  EXPECT_EQ(cookie.find("Secure"), std::string::npos);
  EXPECT_EQ(sources_.notes, std::vector<std::string>{"admin.login"});
}

TEST_F(DashboardTest, UnderTlsTheCookieIsSecure) {
  Start({.password_file = PasswordFile(), .secure_cookie = true});
  ASSERT_TRUE(SetPassword(PasswordFile(), kPassword));
  EXPECT_TRUE(TryPassword(kPassword).headers.Get("set-cookie").ends_with("; Secure"));
}

TEST_F(DashboardTest, AWrongPasswordIsRefusedAndNoted) {
  ASSERT_TRUE(SetPassword(PasswordFile(), kPassword));
  const HttpReply reply = TryPassword("wrong horse battery");
  EXPECT_EQ(reply.status, 401);
  EXPECT_FALSE(reply.headers.Has("set-cookie"));
  EXPECT_EQ(sources_.notes, std::vector<std::string>{"admin.login_refused"});
}

TEST_F(DashboardTest, TheConfigurationMayGiveThePasswordOrItsHash) {
  Start({.password = std::string(kPassword)});
  EXPECT_EQ(TryPassword(kPassword).status, 200);
  EXPECT_EQ(TryPassword("something else").status, 401);
  const auto made = Dashboard::Make({.password = "$argon2id$broken"}, sources_);
  EXPECT_FALSE(made);
  const auto brief = Dashboard::Make({.password = "short"}, sources_);
  EXPECT_FALSE(brief);
}

TEST_F(DashboardTest, ManyTriesHaveToWaitWhateverThePassword) {
  ASSERT_TRUE(SetPassword(PasswordFile(), kPassword));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(TryPassword("wrong").status, 401);
  const HttpReply refused = TryPassword(kPassword);
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.headers.Get("retry-after"), "30");
  peer_ = "10.0.0.4:77";
  EXPECT_EQ(TryPassword(kPassword).status, 200);
  peer_ = "10.0.0.3:5001";
  clock_.Advance(30'000 * kNsPerMs);
  EXPECT_EQ(TryPassword(kPassword).status, 200);
}

TEST_F(DashboardTest, ALoginMustBeJson) {
  HttpRequest request;
  request.method = "POST";
  request.path = "/dashboard/api/login";
  request.headers.Add("content-type", "application/x-www-form-urlencoded");
  request.body = R"({"password":"x"})";
  EXPECT_EQ(router_.Dispatch(request).status, 415);
  EXPECT_EQ(Ask("POST", "/dashboard/api/login", "[]").status, 400);
  EXPECT_EQ(TryPassword(std::string(2000, 'x')).status, 400);
}

TEST_F(DashboardTest, TheCacheViewTellsOfFalseHitsAndOfQuestionsThatAreNotKept) {
  SignIn();
  const json::value state = json::parse(Ask("GET", "/dashboard/api/cache").body);
  EXPECT_EQ(state.at("tiers").as_array().size(), 1U);
  const json::object& route = state.at("semantic").as_array().at(0).as_object();
  EXPECT_EQ(route.at("route").as_string(), "chat");
  EXPECT_EQ(route.at("checked").to_number<int>(), 40);
  EXPECT_EQ(route.at("wrong").to_number<int>(), 1);
  EXPECT_DOUBLE_EQ(route.at("false_hit_share_upper").as_double(), 0.13);
  EXPECT_EQ(route.at("file_error").as_string(), "the disk is full");
}

TEST_F(DashboardTest, WithoutASessionEveryApiAnswers401) {
  ASSERT_TRUE(SetPassword(PasswordFile(), kPassword));
  const std::pair<const char*, const char*> calls[] = {
      {"GET", "traffic"},   {"GET", "exchanges"}, {"GET", "exchanges/req_1"},
      {"GET", "upstreams"}, {"GET", "cache"},     {"DELETE", "cache"},
      {"GET", "keys"},      {"POST", "keys"},     {"DELETE", "keys/abc"},
      {"POST", "logout"},
  };
  for (const std::string cookie :
       {"", "nonsense", "AAAAAAAAAAAABBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB"}) {
    cookie_ = cookie;
    for (const auto& [method, path] : calls) {
      EXPECT_EQ(Ask(method, std::string("/dashboard/api/") + path).status, 401) << path;
    }
  }
  EXPECT_FALSE(sources_.purged);
}

TEST_F(DashboardTest, ASessionExpiresAndAJumpOfTheClockDoesNotExtendIt) {
  SignIn();
  EXPECT_TRUE(SignedIn());
  clock_.SetWall(1);
  clock_.Advance(12 * kHourMs * kNsPerMs - 1);
  EXPECT_TRUE(SignedIn());
  clock_.Advance(1);
  EXPECT_FALSE(SignedIn());
  EXPECT_EQ(Ask("GET", "/dashboard/api/traffic").status, 401);
}

TEST_F(DashboardTest, ANewPasswordEndsTheSessions) {
  SignIn();
  ASSERT_TRUE(SetPassword(PasswordFile(), "another password"));
  EXPECT_FALSE(SignedIn());
}

TEST_F(DashboardTest, LogoutEndsTheSessionForWhoeverHasTheCookie) {
  SignIn();
  const HttpReply reply = Change("POST", "/dashboard/api/logout");
  EXPECT_EQ(reply.status, 200);
  EXPECT_NE(reply.headers.Get("set-cookie").find("Max-Age=0"), std::string_view::npos);
  EXPECT_FALSE(SignedIn());
}

TEST_F(DashboardTest, ChangesNeedTheTokenOfTheSession) {
  SignIn();
  EXPECT_EQ(Ask("DELETE", "/dashboard/api/cache").status, 403);
  EXPECT_EQ(Ask("DELETE", "/dashboard/api/cache", "", {{"x-csrf-token", "wrong"}}).status, 403);
  EXPECT_EQ(Ask("POST", "/dashboard/api/keys", "{}", {{"x-csrf-token", ""}}).status, 403);
  EXPECT_FALSE(sources_.purged);
  EXPECT_EQ(Change("DELETE", "/dashboard/api/cache?route=handbook").status, 200);
  ASSERT_TRUE(sources_.purged);
  EXPECT_EQ(sources_.purged->route, "handbook");
  EXPECT_FALSE(sources_.purged->tenant);
  EXPECT_EQ(sources_.notes.back(), "cache.purge");
}

TEST_F(DashboardTest, APageOfAnotherSiteIsRefusedEvenWithTheCookie) {
  SignIn();
  for (const std::string site : {"cross-site", "same-site"}) {
    EXPECT_EQ(Ask("GET", "/dashboard/api/session", "", {{"sec-fetch-site", site}}).status, 403);
    EXPECT_EQ(Ask("DELETE", "/dashboard/api/cache", "",
                  {{"sec-fetch-site", site}, {"x-csrf-token", csrf_}})
                  .status,
              403);
  }
  EXPECT_EQ(Ask("GET", "/dashboard/api/session", "", {{"sec-fetch-site", "same-origin"}}).status,
            200);
}

TEST_F(DashboardTest, EveryAnswerCarriesTheSecurityHeaders) {
  for (const std::string path : {"/dashboard", "/dashboard/assets/app.js", "/dashboard/nothing",
                                 "/dashboard/api/session", "/dashboard/api/traffic"}) {
    const HttpReply reply = Ask("GET", path);
    const std::string_view policy = reply.headers.Get("content-security-policy");
    EXPECT_EQ(policy, kContentSecurityPolicy) << path;
    EXPECT_EQ(policy.find("unsafe"), std::string_view::npos);
    EXPECT_NE(policy.find("frame-ancestors 'none'"), std::string_view::npos);
    EXPECT_EQ(reply.headers.Get("x-content-type-options"), "nosniff") << path;
    EXPECT_EQ(reply.headers.Get("x-frame-options"), "DENY") << path;
    EXPECT_EQ(reply.headers.Get("referrer-policy"), "no-referrer") << path;
  }
  EXPECT_EQ(Ask("GET", "/dashboard/api/session").headers.Get("cache-control"), "no-store");
}

TEST_F(DashboardTest, FilesAreServedWithTypeAndTagAndNotTwice) {
  const HttpReply page = Ask("GET", "/dashboard");
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.content_type, "text/html; charset=utf-8");
  EXPECT_NE(page.body.find("/dashboard/assets/app.js"), std::string::npos);
  EXPECT_EQ(Ask("GET", "/dashboard/").body, page.body);
  for (const EmbeddedFile& file : EmbeddedFiles()) {
    const HttpReply reply = Ask("GET", "/dashboard/" + std::string(file.path));
    EXPECT_EQ(reply.status, 200) << file.path;
    EXPECT_EQ(reply.body, file.bytes) << file.path;
    EXPECT_NE(reply.content_type, "application/octet-stream") << file.path;
    const std::string tag(reply.headers.Get("etag"));
    EXPECT_GE(tag.size(), 18U);
    const HttpReply again = Ask("GET", "/dashboard/" + std::string(file.path), "",
                                {{"if-none-match", "\"x\", W/" + tag}});
    EXPECT_EQ(again.status, 304) << file.path;
    EXPECT_TRUE(again.body.empty());
    EXPECT_EQ(again.headers.Get("etag"), tag);
  }
}

TEST_F(DashboardTest, TheEmbeddedFilesAreTheBuiltOnes) {
  const char* source = std::getenv("ASSAY_SOURCE_DIR");
  if (source == nullptr) GTEST_SKIP() << "ASSAY_SOURCE_DIR is not set";
  for (const EmbeddedFile& file : EmbeddedFiles()) {
    const auto text = core::FileSystem::Real().ReadFile(
        std::string(source) + "/web/dist/" + std::string(file.path), 1U << 20U);
    ASSERT_TRUE(text) << text.error().message;
    EXPECT_EQ(*text, file.bytes) << file.path;
  }
}

TEST_F(DashboardTest, NoPathLeadsOutOfTheTable) {
  for (const std::string path :
       {"../etc/passwd", "assets/../../secret", "..%2f..%2fetc/passwd", "/etc/passwd",
        "assets/app.js/", "assets//app.js", "ASSETS/app.js", "index.html\\..", "./index.html"}) {
    EXPECT_EQ(Ask("GET", "/dashboard/" + path).status, 404) << path;
  }
}

TEST_F(DashboardTest, ExchangesTakeFiltersAndPages) {
  SignIn();
  const HttpReply reply = Ask("GET",
                              "/dashboard/api/exchanges?route=hand%20book&cache=disk&status=error"
                              "&verdict=contradicted&before=17&limit=9999");
  ASSERT_EQ(reply.status, 200);
  EXPECT_EQ(sources_.last_filter.route, "hand book");
  EXPECT_EQ(sources_.last_filter.cache, "disk");
  EXPECT_EQ(sources_.last_filter.verdict, "contradicted");
  EXPECT_EQ(sources_.last_filter.min_status, 400);
  EXPECT_EQ(sources_.last_cursor, 17);
  EXPECT_EQ(sources_.last_limit, 200U);
  EXPECT_EQ(json::parse(reply.body).at("next").as_string(), "41");
  EXPECT_EQ(Ask("GET", "/dashboard/api/exchanges?before=-3&limit=x").status, 200);
  EXPECT_EQ(sources_.last_cursor, 0);
  EXPECT_EQ(sources_.last_limit, 50U);
  EXPECT_EQ(Ask("GET", "/dashboard/api/exchanges/req_2").status, 404);
}

TEST_F(DashboardTest, AKeyIsMadeAsAskedAndItsTokenShownOnce) {
  SignIn();
  const HttpReply reply = Change(
      "POST", "/dashboard/api/keys",
      R"({"name":"web","tenant":"","scopes":["inference","claims"],"expires_ms":1800000000000,)"
      R"("period":"month","requests":100,"tokens":null,"cost_nanousd":5000000000})");
  ASSERT_EQ(reply.status, 201) << reply.body;
  EXPECT_EQ(json::parse(reply.body).at("token").as_string(), "ask_once");
  EXPECT_EQ(reply.headers.Get("cache-control"), "no-store");
  ASSERT_TRUE(sources_.created);
  EXPECT_EQ(sources_.created->name, "web");
  EXPECT_EQ(sources_.created->tenant, "default");
  EXPECT_EQ(sources_.created->scopes.ToText(), "inference,claims");
  EXPECT_EQ(sources_.created->budget.period, crypto::Period::kMonth);
  EXPECT_EQ(sources_.created->budget.limit.requests, 100U);
  EXPECT_EQ(sources_.created->budget.limit.tokens, 0U);
  EXPECT_EQ(sources_.created->budget.limit.cost_nanousd, 5'000'000'000U);
  EXPECT_EQ(sources_.created_by, "dashboard 10.0.0.3");
  EXPECT_EQ(Change("DELETE", "/dashboard/api/keys/Ab3dE5f7").status, 200);
  EXPECT_EQ(sources_.revoked, "Ab3dE5f7");
}

TEST_F(DashboardTest, AnExperimentIsShownAndSwitchedByWhoIsSignedIn) {
  EXPECT_EQ(Ask("GET", "/dashboard/api/experiments").status, 401);
  SignIn();
  EXPECT_EQ(Ask("GET", "/dashboard/api/experiments").body, R"({"experiments":[{"id":"tone"}]})");
  EXPECT_EQ(Ask("GET", "/dashboard/api/experiments/tone").body, R"({"id":"tone"})");
  EXPECT_EQ(Ask("GET", "/dashboard/api/experiments/none").status, 404);
  EXPECT_EQ(Change("POST", "/dashboard/api/experiments/none/stop").status, 404);
  EXPECT_FALSE(sources_.experiment_stopped);
  EXPECT_EQ(Change("POST", "/dashboard/api/experiments/tone/stop").status, 200);
  EXPECT_EQ(sources_.experiment_stopped, true);
  EXPECT_EQ(sources_.notes.back(), "experiment.stop");
  EXPECT_EQ(Change("POST", "/dashboard/api/experiments/tone/start").status, 200);
  EXPECT_EQ(sources_.experiment_stopped, false);
}

TEST_F(DashboardTest, AWrongKeyFormIsRefusedWithItsField) {
  SignIn();
  const std::pair<std::string, std::string> cases[] = {
      {"[]", "JSON object"},
      {R"({"tenant":"","scopes":["inference"],"period":"total"})", "name"},
      {R"({"name":"a","tenant":"","scopes":[],"period":"total"})", "scopes"},
      {R"({"name":"a","tenant":"","scopes":["root"],"period":"total"})", "root"},
      {R"({"name":"a","tenant":"","scopes":["admin"],"period":"year"})", "year"},
      {R"({"name":"a","tenant":"","scopes":["admin"],"period":"day","requests":-1})", "requests"},
  };
  for (const auto& [body, word] : cases) {
    const HttpReply reply = Change("POST", "/dashboard/api/keys", body);
    EXPECT_EQ(reply.status, 400) << body;
    EXPECT_NE(reply.body.find(word), std::string::npos) << reply.body;
  }
  EXPECT_FALSE(sources_.created);
}

}  // namespace
}  // namespace assay::gateway::dashboard
