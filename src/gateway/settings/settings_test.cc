#include <algorithm>
#include <cstdlib>
#include <set>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "assay/config/parse.h"
#include "assay/gateway/settings_load.h"

#include "settings/walk.h"
#include "temp_dir.h"

namespace assay::gateway {
namespace {

using settings::Key;
using settings::KeyKind;
using settings::Path;

Result<LoadedSettings> Read(std::string_view yaml, const Environment& environment = {}) {
  const auto document = config::Parse(yaml, "assay.yaml", config::Syntax::kYaml);
  if (!document) return std::unexpected(document.error());
  return ReadSettings(&*document, environment);
}

std::string ErrorOf(std::string_view yaml, const Environment& environment = {}) {
  const auto loaded = Read(yaml, environment);
  return loaded ? "no error" : loaded.error().message;
}

constexpr std::string_view kOneUpstream =
    "upstreams:\n  local:\n    url: http://127.0.0.1:8000/v1\n";

std::string With(std::string_view more) {
  return std::string(kOneUpstream) + std::string(more);
}

TEST(Settings, WithoutFileAndVariablesAreTheDefaults) {
  const auto loaded = ReadSettings(nullptr, {});
  ASSERT_TRUE(loaded) << loaded.error().message;
  const Settings& s = loaded->settings;
  EXPECT_EQ(s.listen, std::vector<std::string>{"127.0.0.1:9000"});
  EXPECT_EQ(s.cache.memory.size_bytes, 512'000'000);
  EXPECT_EQ(s.limits.body_bytes, 4'000'000);
  ASSERT_EQ(s.routes.size(), 1U);
  EXPECT_EQ(s.routes[0].name, "*");
  EXPECT_FALSE(s.request_log.enabled) << "there is no file for it";
  for (const EffectiveValue& value : loaded->values) EXPECT_EQ(value.origin, Origin::kDefault);
}

TEST(Settings, ReadEveryPartOfAFile) {
  const auto loaded = Read(R"(
listen: ["127.0.0.1:9000", "[::1]:9000"]
data_folder: data
upstreams:
  gpu.1:
    url: https://gpu1.example/v1
    key_env: GPU_KEY
    weight: 2
    rate: {requests_per_minute: 60, tokens_per_minute: 10000}
    price: {prompt_usd: 0.15, completion_usd: 0.6}
    retry: {attempts: 1, base: 50 ms, max: 2 s}
    breaker: {enabled: false}
  spare: {url: "http://[::1]:8000/v1"}
routes:
  gpt-4.1:
    experts: [gpu.1/meta/llama-3, spare]
    policy: balance
    deadline: 30 s
    documents: docs/
    cache: {ttl: 5 min, streams: false}
cache:
  ttl: 1 d
  memory: {size: 1 GiB, max_entries: 1000}
  redis: {url: "redis://cache:6379/2", password_file: /run/secrets/redis}
log: {level: warn}
)");
  ASSERT_TRUE(loaded) << loaded.error().message;
  const Settings& s = loaded->settings;
  ASSERT_EQ(s.upstreams.size(), 2U);
  EXPECT_EQ(s.upstreams[0].name, "gpu.1");
  EXPECT_EQ(s.upstreams[0].key.env, "GPU_KEY");
  EXPECT_EQ(s.upstreams[0].rate.tokens_per_minute, 10'000);
  EXPECT_EQ(s.upstreams[0].retry.max_ms, 2'000);
  EXPECT_FALSE(s.upstreams[0].breaker.enabled);
  ASSERT_EQ(s.routes.size(), 1U);
  EXPECT_EQ(s.routes[0].name, "gpt-4.1");
  ASSERT_EQ(s.routes[0].experts.size(), 2U);
  EXPECT_EQ(s.routes[0].experts[0].upstream, "gpu.1");
  EXPECT_EQ(s.routes[0].experts[0].model, "meta/llama-3");
  EXPECT_EQ(s.routes[0].experts[1].model, "");
  EXPECT_EQ(s.routes[0].policy, RoutePolicy::kBalance);
  EXPECT_EQ(s.routes[0].documents, std::vector<std::string>{"docs/"});
  EXPECT_EQ(s.routes[0].cache.ttl_ms, 300'000);
  EXPECT_EQ(s.cache.memory.size_bytes, 1LL << 30);
  EXPECT_EQ(s.cache.redis.password.file, "/run/secrets/redis");
  EXPECT_EQ(s.log.level, LogLevel::kWarn);
  EXPECT_EQ(s.keys.database, "data/keys.db");
  EXPECT_EQ(s.request_log.file, "data/requests.db");
  EXPECT_TRUE(s.request_log.enabled);
}

// A value that is valid for the leaf and not the default, as it stands in a variable and in YAML.
std::pair<std::string, std::string> OtherValue(const Key& leaf) {
  switch (leaf.kind) {
    case KeyKind::kBool: {
      const bool value = **std::get_if<bool*>(&leaf.slot);
      return {value ? "off" : "on", value ? "false" : "true"};
    }
    case KeyKind::kInteger: {
      const std::int64_t value = **std::get_if<std::int64_t*>(&leaf.slot);
      const auto text =
          std::to_string(static_cast<double>(value) < leaf.maximum ? value + 1 : value - 1);
      return {text, text};
    }
    case KeyKind::kNumber:
      return {"0.25", "0.25"};
    case KeyKind::kDuration: {
      const std::int64_t value = **std::get_if<std::int64_t*>(&leaf.slot);
      const auto other = static_cast<double>(value) < leaf.maximum ? value + 1 : value - 1;
      return {std::to_string(other) + " ms", settings::FormatDuration(other)};
    }
    case KeyKind::kSize: {
      const std::int64_t value = **std::get_if<std::int64_t*>(&leaf.slot);
      return {std::to_string(value + 1), std::to_string(value + 1)};
    }
    case KeyKind::kChoice: {
      const std::uint8_t value = **std::get_if<std::uint8_t*>(&leaf.slot);
      const std::string name(leaf.choices[value == 0 ? 1 : 0]);
      return {name, name == "1.3" ? "\"1.3\"" : name};
    }
    case KeyKind::kStringList:
      if (leaf.name == "experts") return {"local/m", "[\"local/m\"]"};
      return {"127.0.0.1:1, [::1]:2", "[\"127.0.0.1:1\", \"[::1]:2\"]"};
    default:
      if (leaf.name == "url" && leaf.doc.contains("redis")) {
        return {"redis://r:1", "\"redis://r:1\""};
      }
      if (leaf.name == "upstream") return {"local", "\"local\""};
      return {"http://b", "\"http://b\""};
  }
}

// What must stand beside a value so that the whole is valid.
Environment Companions(const Path& path) {
  Environment environment = {{"ASSAY_UPSTREAMS_LOCAL_URL", "http://a"},
                             {"ASSAY_ROUTES_M_EXPERTS", "local"},
                             {"ASSAY_DATA_FOLDER", "d"}};
  if (path[0] == "tls") {
    environment["ASSAY_TLS_CERT_FILE"] = "http://b";
    environment["ASSAY_TLS_KEY_FILE"] = "http://b";
  }
  if (path[0] == "claims") {
    environment["ASSAY_CLAIMS_JUDGE_MODEL"] = "m";
    environment["ASSAY_CLAIMS_JUDGE_BETWEEN_LOW"] = "0.2";
  }
  return environment;
}

TEST(Settings, EveryKeyIsReadFromItsVariableAndFromTheFile) {
  Settings defaults;
  UpstreamSettings upstream;
  upstream.name = "local";
  defaults.upstreams.push_back(upstream);
  RouteSettings route;
  route.name = "m";
  defaults.routes.push_back(route);
  Key root = settings::RootKey(defaults);
  std::size_t keys = 0;
  settings::ForEachLeaf(root, [&](Key& leaf, const Path& path) {
    ++keys;
    const auto [variable_text, yaml_text] = OtherValue(leaf);
    const bool secret = leaf.kind == KeyKind::kSecret;
    const std::string variable = settings::VariableName(path) + (secret ? "_FILE" : "");
    SCOPED_TRACE(variable + "=" + variable_text);
    Environment environment = Companions(path);
    environment[variable] = variable_text;
    const auto loaded = ReadSettings(nullptr, environment);
    ASSERT_TRUE(loaded) << loaded.error().message;
    Path wanted = path;
    if (secret) wanted.back() += "_file";
    const auto found = std::ranges::find(loaded->values, wanted, &EffectiveValue::path);
    ASSERT_NE(found, loaded->values.end());
    EXPECT_EQ(found->value, yaml_text);
    EXPECT_EQ(found->origin, Origin::kEnvironment);
    EXPECT_EQ(found->where, variable);

    // The whole as a file means the same, and every value of it stands in the file.
    const std::string yaml = SettingsYaml(*loaded);
    const auto again = Read(yaml);
    ASSERT_TRUE(again) << again.error().message << "\n" << yaml;
    EXPECT_TRUE(DiffSettings(loaded->settings, again->settings).empty());
    const auto in_file = std::ranges::find(again->values, wanted, &EffectiveValue::path);
    ASSERT_NE(in_file, again->values.end());
    EXPECT_EQ(in_file->origin, Origin::kFile);
    EXPECT_TRUE(in_file->where.starts_with("assay.yaml:")) << in_file->where;
  });
  EXPECT_GT(keys, 90U);
}

TEST(Settings, VariablesHaveDifferentNames) {
  Settings defaults;
  Key root = settings::RootKey(defaults);
  std::set<std::string> names;
  settings::ForEachLeaf(root, [&](Key& leaf, const Path& path) {
    EXPECT_TRUE(names.insert(settings::VariableName(path)).second) << settings::Dotted(path);
    if (leaf.kind == KeyKind::kSecret) {
      EXPECT_TRUE(names.insert(settings::VariableName(path) + "_ENV").second);
      EXPECT_TRUE(names.insert(settings::VariableName(path) + "_FILE").second);
    }
  });
}

TEST(Settings, AVariableWinsOverTheFile) {
  const auto loaded = Read(With("cache:\n  ttl: 5 min\n"), {{"ASSAY_CACHE_TTL", "7 min"},
                                                            {"ASSAY_UPSTREAMS_LOCAL_WEIGHT", "3"},
                                                            {"ASSAY_CACHE_MEMORY_SIZE", ""}});
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->settings.cache.ttl_ms, 420'000);
  EXPECT_EQ(loaded->settings.upstreams[0].weight, 3);
  EXPECT_EQ(loaded->settings.cache.memory.size_bytes, 512'000'000) << "empty is as if unset";
  EXPECT_EQ(loaded->settings.upstreams.size(), 1U);
}

TEST(Settings, VariablesAloneMakeUpstreamsAndRoutes) {
  const auto loaded =
      ReadSettings(nullptr, {{"ASSAY_UPSTREAMS_BIG_GPU_URL", "http://gpu:8000/v1"},
                             {"ASSAY_UPSTREAMS_BIG_GPU_RATE_REQUESTS_PER_MINUTE", "9"},
                             {"ASSAY_UPSTREAMS_BIG_GPU_KEY", "sk-very-secret"},
                             {"ASSAY_ROUTES_FAST_EXPERTS", "big_gpu/tiny"}});
  ASSERT_TRUE(loaded) << loaded.error().message;
  ASSERT_EQ(loaded->settings.upstreams.size(), 1U);
  EXPECT_EQ(loaded->settings.upstreams[0].name, "big_gpu");
  EXPECT_EQ(loaded->settings.upstreams[0].rate.requests_per_minute, 9);
  EXPECT_EQ(loaded->settings.upstreams[0].key.env, "ASSAY_UPSTREAMS_BIG_GPU_KEY");
  ASSERT_EQ(loaded->settings.routes.size(), 1U);
  EXPECT_EQ(loaded->settings.routes[0].name, "fast");
  EXPECT_EQ(SettingsYaml(*loaded).find("sk-very"), std::string::npos);
}

TEST(Settings, EveryProblemIsNamedWithItsPlace) {
  EXPECT_EQ(ErrorOf("cashe: {}\n"), "assay.yaml:1:1: cashe: unknown key; did you mean 'cache'?");
  EXPECT_EQ(ErrorOf(With("limits:\n  body: 3\n  json_depth: many\n")),
            "assay.yaml:5:9: limits.body: is 3, but must be from 1024 to 1 GB\n"
            "assay.yaml:6:15: limits.json_depth: must be an integer, but is a string");
  EXPECT_EQ(ErrorOf(With("routes:\n  m:\n    experts: [lokal]\n")),
            "assay.yaml:6:14: routes.m.experts: 'lokal' is no upstream; did you mean 'local'?");
  EXPECT_EQ(ErrorOf(With(""), {{"ASSAY_CACHE_TTL", "5"}}),
            "ASSAY_CACHE_TTL: ttl: must be a duration with its unit, such as \"250 ms\", \"30 s\", "
            "\"5 min\" or \"2 h\"");
  EXPECT_EQ(ErrorOf(With(""), {{"ASSAY_CACHE_TTLL", "5 s"}}),
            "ASSAY_CACHE_TTLL: no key has this variable; did you mean ASSAY_CACHE_TTL?");
  EXPECT_EQ(ErrorOf("upstreams:\n  local: {weight: 2}\n"),
            "assay.yaml:2:10: upstreams.local: 'url' is missing; it has no default");
}

TEST(Settings, ValuesThatContradictEachOtherAreRefused) {
  const auto refused = [](std::string_view yaml, std::string_view words) {
    const std::string error = ErrorOf(yaml);
    EXPECT_NE(error.find(words), std::string::npos) << error;
  };
  refused("listen: '0.0.0.0:9000'\nkeys: {mode: 'off'}\n", "other machines reach");
  refused("listen: '0.0.0.0:9000'\n", "keys are required");
  refused("keys: {mode: required}\n", "'data_folder' must be set");
  refused("tls: {cert_file: a.pem}\n", "TLS needs the certificate and the key");
  refused("listen: 'localhost'\n", "has no port");
  refused("listen: '::1:80'\n", "brackets");
  refused("listen: 'a:65536'\n", "not from 0 to 65535");
  refused("request_log: {enabled: true}\n", "needs 'request_log.file'");
  refused("upstreams: {a: {url: 'ftp://a'}}\n", "http:// or https://");
  refused("upstreams: {a: {url: 'http://u:p@a'}}\n", "must not hold a name or password");
  refused("upstreams: {a: {url: 'http://a:0/v1'}}\n", "port");
  refused("upstreams: {a: {url: 'http://a/v1?x'}}\n", "no query");
  refused("upstreams: {'a b': {url: 'http://a'}}\n", "a name has letters");
  refused("upstreams: {a-b: {url: 'http://a'}, a_b: {url: 'http://a'}}\n", "rename one");
  refused("upstreams: {a: {url: 'http://a', weight: 0}}\nroutes: {m: {policy: balance}}\n",
          "cannot choose");
  refused("cache: {max_entry_size: 3 MB, memory: {size: 2 MB}}\n", "is more than");
  refused("cache: {redis: {url: 'http://r'}}\n", "redis://");
  refused("cache: {redis: {url: 'redis://r:1,,s:2'}}\n", "names no host");
  refused("cache: {redis: {url: 'redis://r:1,s:0'}}\n", "names no host");
  refused("upstreams: {a: {url: 'http://r:1,s:2'}}\n", "names no host");
  refused("upstreams: {a: {url: 'http://a', retry: {base: 3 s, max: 1 s}}}\n", "retry.max");
}

TEST(Settings, ASecretInTheFileIsRefusedWithoutRepeatingIt) {
  const std::string error = ErrorOf(With("    key: sk-secret-value\n"));
  EXPECT_NE(error.find("key_env"), std::string::npos) << error;
  EXPECT_EQ(error.find("sk-secret"), std::string::npos) << error;
  EXPECT_NE(ErrorOf(With("    key_env: A\n    key_file: b\n")).find("one of them"),
            std::string::npos);
}

TEST(Settings, UnknownVariablesOutsideTheSectionsAreWarningsOnly) {
  const auto loaded =
      Read(With("    key_env: ASSAY_MY_OPENAI_KEY\n"), {{"ASSAY_MY_OPENAI_KEY", "x"},
                                                        {"ASSAY_FOO", "1"},
                                                        {"ASSAY_KEY_PASSPHRASE", "p"},
                                                        {"ASSAY_SIMD", "AVX2"},
                                                        {"HOME", "/"}});
  ASSERT_TRUE(loaded) << loaded.error().message;
  ASSERT_EQ(loaded->warnings.size(), 1U);
  EXPECT_EQ(loaded->warnings[0], "ASSAY_FOO: no key has this variable; it is ignored");
}

TEST(Settings, LoopbackIsTheMachineItself) {
  Settings s;
  for (const char* address : {"127.0.0.1:1", "127.9.8.7:1", "[::1]:1", "localhost:1"}) {
    s.listen = {address};
    EXPECT_TRUE(LoopbackOnly(s)) << address;
    EXPECT_FALSE(KeysRequired(s)) << address;
  }
  for (const char* address : {"0.0.0.0:1", "[::]:1", "10.0.0.1:1", "127.evil.example:1"}) {
    s.listen = {"127.0.0.1:1", address};
    EXPECT_FALSE(LoopbackOnly(s)) << address;
    EXPECT_TRUE(KeysRequired(s)) << address;
  }
}

TEST(Settings, ADifferenceSaysWhetherAReloadPutsItInForce) {
  const auto before = Read(With("log: {level: info}\n"));
  const auto after = Read(With("threads: 4\nlog: {level: debug}\ncache: {ttl: 2 h}\n"));
  ASSERT_TRUE(before && after);
  const auto changes = DiffSettings(before->settings, after->settings);
  ASSERT_EQ(changes.size(), 3U);
  EXPECT_EQ(changes[0].path, "cache.ttl");
  EXPECT_EQ(changes[0].before, "1 h");
  EXPECT_EQ(changes[0].after, "2 h");
  EXPECT_TRUE(changes[0].live);
  EXPECT_EQ(changes[1].path, "log.level");
  EXPECT_TRUE(changes[1].live);
  EXPECT_EQ(changes[2].path, "threads");
  EXPECT_FALSE(changes[2].live);
  EXPECT_TRUE(DiffSettings(after->settings, after->settings).empty());
}

TEST(Settings, QuantitiesAreShownInTheLargestExactUnit) {
  EXPECT_EQ(settings::FormatSize(512'000'000), "512 MB");
  EXPECT_EQ(settings::FormatSize(1'500'000'000), "1500 MB");
  EXPECT_EQ(settings::FormatSize(16'384), "16384");
  EXPECT_EQ(settings::FormatSize(0), "0");
  EXPECT_EQ(settings::FormatDuration(90'000), "90 s");
  EXPECT_EQ(settings::FormatDuration(86'400'000), "1 d");
  EXPECT_EQ(settings::FormatDuration(0), "0 s");
  EXPECT_EQ(settings::FormatDuration(250), "250 ms");
}

TEST(Settings, TheDocumentedReferenceIsTheTable) {
  const char* source = std::getenv("ASSAY_SOURCE_DIR");
  ASSERT_NE(source, nullptr);
  const auto page =
      core::FileSystem::Real().ReadFile(std::string(source) + "/docs/configuration.md", 1 << 20);
  ASSERT_TRUE(page) << page.error().message;
  EXPECT_NE(page->find(SettingsReference()), std::string::npos)
      << "docs/configuration.md is out of date; replace its tables by the output of: "
         "assay config schema --markdown";
}

TEST(Settings, TheExampleFileIsValid) {
  const char* source = std::getenv("ASSAY_SOURCE_DIR");
  ASSERT_NE(source, nullptr);
  const auto loaded =
      LoadSettings(core::FileSystem::Real(), std::string(source) + "/examples/assay.yaml", {});
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_TRUE(loaded->warnings.empty());
  EXPECT_FALSE(loaded->settings.upstreams.empty());
}

class SecretFile : public ::testing::Test {
 protected:
  std::string Write(std::string_view text, unsigned mode) {
    const std::string path = folder_.path() + "/secret";
    EXPECT_TRUE(core::WriteFileAtomically(core::FileSystem::Real(), path, text));
    EXPECT_EQ(::chmod(path.c_str(), mode), 0);
    return path;
  }
  testing::TempDir folder_;
};

TEST_F(SecretFile, IsReadWithoutItsLineFeed) {
  EXPECT_EQ(*ReadSecret({{}, Write("s3cret\r\n", 0600)}, {}), "s3cret");
  EXPECT_EQ(*ReadSecret({{}, Write(" two words ", 0400)}, {}), " two words ");
  EXPECT_EQ(*ReadSecret({}, {}), std::nullopt);
  EXPECT_EQ(*ReadSecret({"KEY", {}}, {{"KEY", "abc"}}), "abc");
}

TEST_F(SecretFile, IsRefusedWhereOthersMayReadIt) {
  const auto open = ReadSecret({{}, Write("s3cret", 0640)}, {});
  ASSERT_FALSE(open);
  EXPECT_EQ(open.error().code, Code::kPermissionDenied);
  EXPECT_EQ(open.error().message.find("s3cret"), std::string::npos);
  EXPECT_EQ(ReadSecret({{}, Write("\n", 0600)}, {}).error().code, Code::kInvalidArgument);
  EXPECT_EQ(ReadSecret({{}, Write(std::string(70'000, 'x'), 0600)}, {}).error().code,
            Code::kOutOfRange);
  EXPECT_EQ(ReadSecret({{}, folder_.path()}, {}).error().code, Code::kInvalidArgument);
  EXPECT_EQ(ReadSecret({{}, folder_.path() + "/none"}, {}).error().code, Code::kNotFound);
  EXPECT_EQ(ReadSecret({"KEY", {}}, {}).error().code, Code::kNotFound);
  EXPECT_EQ(ReadSecret({"KEY", {}}, {{"KEY", ""}}).error().code, Code::kInvalidArgument);
}

}  // namespace
}  // namespace assay::gateway
