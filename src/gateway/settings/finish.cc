// What the table cannot say about one key alone.
#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <optional>

#include <fmt/format.h>

#include "assay/config/reader.h"
#include "assay/gateway/settings_load.h"

#include "walk.h"

namespace assay::gateway {
namespace settings {
namespace {

using Report = std::function<void(const Path&, const std::string&)>;

constexpr std::size_t kMaxNameLength = 256;  // of a route; models have longer paths than upstreams

bool Alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool ValidUpstreamName(std::string_view name) {
  return !name.empty() && name.size() <= 64 && Alphanumeric(name[0]) &&
         std::ranges::all_of(
             name, [](char c) { return Alphanumeric(c) || c == '-' || c == '_' || c == '.'; });
}

bool IsHost(std::string_view host) {
  std::string text(host);
  const bool has_port = !text.ends_with(']') && text.contains(':');
  if (!has_port) text += ":1";
  const auto parsed = ParseHostPort(text);
  return parsed && parsed->port != 0;
}

// Why `url` is none of `schemes`://host[:port][/path], or where it may, one with several hosts
// between commas; empty when it is.
std::string UrlProblem(std::string_view url, std::span<const std::string_view> schemes,
                       bool several_hosts = false) {
  const std::size_t colon = url.find("://");
  const std::string_view scheme = url.substr(0, colon);
  if (colon == std::string_view::npos || std::ranges::find(schemes, scheme) == schemes.end()) {
    return fmt::format("is no URL that begins with {}://", fmt::join(schemes, ":// or "));
  }
  std::string_view rest = url.substr(colon + 3);
  if (std::ranges::any_of(url, [](char c) { return c <= ' ' || c == 0x7f; })) {
    return "holds a blank or a control character";
  }
  if (rest.find_first_of("?#") != std::string_view::npos) return "must have no query or fragment";
  rest = rest.substr(0, rest.find('/'));
  if (rest.find('@') != std::string_view::npos) {
    return "must not hold a name or password; secrets go into a variable or a file";
  }
  for (std::size_t begin = 0; begin <= rest.size();) {
    const std::size_t end =
        several_hosts ? std::min(rest.find(',', begin), rest.size()) : rest.size();
    if (!IsHost(rest.substr(begin, end - begin)))
      return "names no host, or its port is not from 1 to 65535";
    begin = end + 1;
  }
  return {};
}

void CheckListen(const Settings& s, const Report& report) {
  if (s.listen.empty()) report({"listen"}, "needs at least one address");
  for (const std::string& address : s.listen) {
    if (const auto parsed = ParseHostPort(address); !parsed) {
      report({"listen"}, parsed.error().message);
    }
  }
  if (s.tls.cert_file.empty() != s.tls.key_file.empty()) {
    report({"tls", s.tls.cert_file.empty() ? "cert_file" : "key_file"},
           "is missing: TLS needs the certificate and the key");
  }
}

void CheckUpstream(const UpstreamSettings& up, const Report& report) {
  const Path path = {"upstreams", up.name};
  const auto at = [&](std::string_view key) {
    return Path{"upstreams", up.name, std::string(key)};
  };
  if (!ValidUpstreamName(up.name)) {
    report(path, "a name has letters, digits, '-', '_' and '.', 64 at most");
  }
  if (up.url.empty()) {
    report(path, "'url' is missing; it has no default");
  } else {
    constexpr std::array<std::string_view, 2> kSchemes = {"http", "https"};
    const std::string problem = UrlProblem(up.url, kSchemes);
    if (!problem.empty()) report(at("url"), problem);
  }
  if (up.retry.base_ms > up.retry.max_ms) {
    report({"upstreams", up.name, "retry", "base"}, "is longer than 'retry.max'");
  }
}

void CheckExpert(const Settings& s, const ExpertSettings& expert, const Report& report) {
  const auto known = [&](std::string_view name) {
    return std::ranges::find(s.upstreams, name, &UpstreamSettings::name) != s.upstreams.end();
  };
  if (!ValidUpstreamName(expert.name)) {
    report({"experts", expert.name}, "a name has letters, digits, '-', '_' and '.', 64 at most");
  } else if (known(expert.name)) {
    report({"experts", expert.name}, "is the name of an upstream as well; rename one");
  }
  if (expert.upstream.empty()) {
    report({"experts", expert.name}, "'upstream' is missing; it has no default");
  } else if (!known(expert.upstream)) {
    report({"experts", expert.name, "upstream"},
           fmt::format("'{}' is no upstream", expert.upstream));
  }
}

void CheckRoute(const Settings& s, const RouteSettings& route, const Report& report) {
  const Path path = {"routes", route.name};
  const Path experts = {"routes", route.name, "experts"};
  const bool printable = std::ranges::all_of(
      route.name, [](char c) { return static_cast<unsigned char>(c) >= ' ' && c != 0x7f; });
  if (route.name.empty() || route.name.size() > kMaxNameLength || !printable) {
    report(path,
           fmt::format("a name has 1 to {} bytes without control characters", kMaxNameLength));
  }
  std::vector<std::string_view> names;
  for (const UpstreamSettings& up : s.upstreams) names.push_back(up.name);
  for (const ExpertSettings& expert : s.experts) names.push_back(expert.name);
  double weight = 0;
  for (const ExpertSettings& expert : route.experts) {
    const auto found = std::ranges::find(s.upstreams, expert.upstream, &UpstreamSettings::name);
    if (found == s.upstreams.end()) {
      const std::string_view near = config::DidYouMean(expert.upstream, names);
      report(experts, near.empty() ? fmt::format("'{}' is no upstream", expert.upstream)
                                   : fmt::format("'{}' is no upstream; did you mean '{}'?",
                                                 expert.upstream, near));
      continue;
    }
    weight += found->weight;
  }
  if (route.experts.empty()) {
    for (const UpstreamSettings& up : s.upstreams) weight += up.weight;
  }
  if (route.policy == RoutePolicy::kBalance && !(weight > 0) && !s.upstreams.empty()) {
    report(experts, "all have the weight 0, so 'balance' cannot choose");
  }
  const std::size_t asked = route.experts.empty() ? s.upstreams.size() : route.experts.size();
  if (AsksSeveral(route.policy) && !s.upstreams.empty() && (asked < 2 || asked > kMaxCircle)) {
    report(experts, fmt::format("are {}; this policy needs 2 to {}", asked, kMaxCircle));
  }
}

void CheckSecrets(Settings& s, const Report& report) {
  Key root = RootKey(s);
  ForEachLeaf(root, [&](Key& leaf, const Path& path) {
    const auto* secret = std::get_if<SecretSource*>(&leaf.slot);
    if (secret == nullptr || (*secret)->env.empty() || (*secret)->file.empty()) return;
    Path file = path;
    file.back() += "_file";
    report(file, fmt::format("stands beside '{}_env'; one of them", leaf.name));
  });
}

// Names that make the same variable could not be told apart in the environment.
template <typename T>
void CheckVariableNames(const std::vector<T>& all, std::string_view section, const Report& report) {
  std::map<std::string, std::string> seen;
  for (const T& one : all) {
    const auto [at, fresh] = seen.emplace(VariableName({one.name}), one.name);
    if (!fresh) {
      report({std::string(section), one.name},
             fmt::format("has the same variables as '{}'; rename one", at->second));
    }
  }
}

void CheckCache(const CacheSettings& cache, const Report& report) {
  if (cache.max_entry_bytes > cache.memory.size_bytes) {
    report({"cache", "max_entry_size"}, "is more than 'cache.memory.size'");
  }
  if (cache.redis.enabled()) {
    constexpr std::array<std::string_view, 1> kSchemes = {"redis"};
    const std::string problem = UrlProblem(cache.redis.url, kSchemes, true);
    if (!problem.empty()) report({"cache", "redis", "url"}, problem);
  }
}

void CheckJudge(const Settings& s, const Report& report) {
  const JudgeSettings& judge = s.claims.judge;
  const auto at = [](std::string_view key) { return Path{"claims", "judge", std::string(key)}; };
  if (judge.low > judge.high) {
    report({"claims", "judge", "between", "low"}, "is more than 'between.high'");
  }
  if (judge.upstream.empty()) return;
  if (std::ranges::find(s.upstreams, judge.upstream, &UpstreamSettings::name) ==
      s.upstreams.end()) {
    report(at("upstream"), fmt::format("'{}' is no upstream", judge.upstream));
  }
  if (judge.model.empty()) report(at("model"), "is missing; an upstream must know whom to ask");
}

void CheckKeys(const Settings& s, const Report& report) {
  if (s.keys.mode == KeyMode::kOff && !LoopbackOnly(s)) {
    report({"keys", "mode"},
           "is 'off', but 'listen' names an address that other machines reach; use 'required' or "
           "listen on 127.0.0.1");
  }
  if (KeysRequired(s) && s.keys.database.empty()) {
    report(
        {"keys", "database"},
        s.keys.mode == KeyMode::kRequired
            ? "or 'data_folder' must be set where keys are required"
            : "or 'data_folder' must be set: 'listen' names an address that other machines reach, "
              "so keys are required");
  }
}

std::string InFolder(const std::string& folder, std::string_view name) {
  return folder.ends_with('/') ? fmt::format("{}{}", folder, name)
                               : fmt::format("{}/{}", folder, name);
}

void FillIn(Settings& s) {
  if (s.routes.empty()) {
    RouteSettings all;
    all.name = "*";
    s.routes.push_back(std::move(all));
  }
  if (!s.data_folder.empty()) {
    if (s.keys.database.empty()) s.keys.database = InFolder(s.data_folder, "keys.db");
    if (s.request_log.file.empty()) s.request_log.file = InFolder(s.data_folder, "requests.db");
  }
  if (s.request_log.file.empty()) s.request_log.enabled = false;
  for (RouteSettings& route : s.routes) {
    for (ExpertSettings& expert : route.experts) {
      if (!expert.name.empty() || !expert.model.empty()) continue;
      const auto named = std::ranges::find(s.experts, expert.upstream, &ExpertSettings::name);
      if (named != s.experts.end()) expert = *named;
    }
  }
}

}  // namespace

void FinishAndCheck(Settings& s, const Report& report) {
  FillIn(s);
  CheckListen(s, report);
  for (const UpstreamSettings& up : s.upstreams) CheckUpstream(up, report);
  for (const ExpertSettings& expert : s.experts) CheckExpert(s, expert, report);
  for (const RouteSettings& route : s.routes) CheckRoute(s, route, report);
  CheckExperiments(s, report);
  CheckVariableNames(s.upstreams, "upstreams", report);
  CheckVariableNames(s.experts, "experts", report);
  CheckVariableNames(s.routes, "routes", report);
  CheckVariableNames(s.experiments, "experiments", report);
  CheckSecrets(s, report);
  CheckCache(s.cache, report);
  CheckJudge(s, report);
  CheckKeys(s, report);
}

}  // namespace settings

Result<void> FinishSettings(Settings& s) {
  std::string problems;
  settings::FinishAndCheck(s, [&](const settings::Path& path, const std::string& message) {
    if (!problems.empty()) problems += '\n';
    problems += fmt::format("{}: {}", settings::Dotted(path), message);
  });
  if (!problems.empty()) return Fail(Code::kInvalidArgument, std::move(problems));
  return {};
}

Result<HostPort> ParseHostPort(std::string_view text) {
  const auto fail = [&](std::string_view why) {
    return Fail(Code::kInvalidArgument,
                fmt::format("'{}' {}; write host:port or [IPv6]:port", text, why));
  };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return fail("has no port");
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return fail("has an IPv6 address without brackets");
  }
  if (host.empty()) return fail("has no host");
  std::uint16_t number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (error != std::errc() || end != port.data() + port.size()) {
    return fail("has a port that is not from 0 to 65535");
  }
  return HostPort{std::string(host), number};
}

bool LoopbackOnly(const Settings& s) {
  return std::ranges::all_of(s.listen, [](const std::string& address) {
    const auto parsed = ParseHostPort(address);
    if (!parsed) return true;  // refused elsewhere
    const std::string& host = parsed->host;
    return host == "localhost" || host == "::1" ||
           (host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string::npos);
  });
}

bool KeysRequired(const Settings& s) {
  return s.keys.mode == KeyMode::kRequired || (s.keys.mode == KeyMode::kAuto && !LoopbackOnly(s));
}

}  // namespace assay::gateway
