#include "assay/gateway/router.h"

#include <algorithm>
#include <array>
#include <exception>

#include <fmt/format.h>

namespace assay::gateway {
namespace {

// "/v1/keys" gives {"v1", "keys"}; "/" and a trailing slash give a last empty segment.
std::vector<std::string> Split(std::string_view path) {
  std::vector<std::string> segments;
  path.remove_prefix(1);
  while (true) {
    const std::size_t slash = path.find('/');
    segments.emplace_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return segments;
    path.remove_prefix(slash + 1);
  }
}

bool IsName(std::string_view segment) {
  return segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
}

bool IsRest(std::string_view segment) {
  return IsName(segment) && segment.ends_with("...}");
}

bool Matches(const std::vector<std::string>& pattern, const std::vector<std::string>& path) {
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (IsRest(pattern[i])) return path.size() >= i;
    if (i >= path.size()) return false;
    if (IsName(pattern[i]) ? path[i].empty() : pattern[i] != path[i]) return false;
  }
  return pattern.size() == path.size();
}

// Literal segments first: the pattern that is more exact at the first difference wins.
int Exactness(std::string_view segment) {
  return IsRest(segment) ? 0 : IsName(segment) ? 1 : 2;
}

bool MoreExact(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  return std::lexicographical_compare(
      b.begin(), b.end(), a.begin(), a.end(),
      [](const auto& x, const auto& y) { return Exactness(x) < Exactness(y); });
}

void FillParameters(const std::vector<std::string>& pattern, HttpRequest& request) {
  const std::vector<std::string> path = Split(request.path);
  request.path_parameters.clear();
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const std::string_view segment = pattern[i];
    if (IsRest(segment)) {
      std::string rest;
      for (std::size_t j = i; j < path.size(); ++j) {
        if (j > i) rest += '/';
        rest += path[j];
      }
      request.path_parameters.emplace_back(segment.substr(1, segment.size() - 5), std::move(rest));
      return;
    }
    if (IsName(segment)) {
      request.path_parameters.emplace_back(segment.substr(1, segment.size() - 2), path[i]);
    }
  }
}

}  // namespace

std::string_view ScopeName(Scope scope) {
  static constexpr std::array<std::string_view, 6> kNames = {"",      "inference", "claims",
                                                             "cache", "admin",     ""};
  return kNames[static_cast<std::size_t>(scope)];
}

Result<void> Router::Add(std::string_view method, std::string_view pattern, Scope scope,
                         Handler handler) {
  if (!pattern.starts_with('/')) {
    return Fail(Code::kInvalidArgument,
                fmt::format("the route pattern '{}' does not begin with '/'", pattern));
  }
  for (const Route& route : routes_) {
    if (route.method == method && route.pattern == pattern) {
      return Fail(Code::kAlreadyExists,
                  fmt::format("{} {} has a handler already", method, pattern));
    }
  }
  routes_.push_back(Route{.method = std::string(method),
                          .pattern = std::string(pattern),
                          .scope = scope,
                          .handler = std::move(handler),
                          .segments = Split(pattern)});
  return {};
}

Router::Found Router::Find(std::string_view method, std::string_view path) const {
  Found found;
  if (!path.starts_with('/')) return found;
  const std::vector<std::string> segments = Split(path);
  const std::string_view wanted = method == "HEAD" ? "GET" : method;
  for (const Route& route : routes_) {
    if (!Matches(route.segments, segments)) continue;
    found.path_known = true;
    if (found.allow.find(route.method) == std::string::npos) {
      if (!found.allow.empty()) found.allow += ", ";
      found.allow += route.method;
    }
    if (route.method != wanted) continue;
    if (found.route == nullptr || MoreExact(route.segments, found.route->segments)) {
      found.route = &route;
    }
  }
  return found;
}

HttpReply Router::Dispatch(HttpRequest& request) const {
  const Found found = Find(request.method, request.path);
  if (found.route == nullptr) {
    if (!found.path_known) {
      return ErrorReply(ApiError{
          .status = 404,
          .type = ErrorTypeOf(404),
          .code = "unknown_url",
          .param = {},
          .message = fmt::format("Unknown request URL: {} {}", request.method, request.path)});
    }
    HttpReply reply =
        ErrorReply(ApiError{.status = 405,
                            .type = ErrorTypeOf(405),
                            .code = "method_not_allowed",
                            .param = {},
                            .message = fmt::format("{} is not allowed for {}; allowed: {}",
                                                   request.method, request.path, found.allow)});
    reply.headers.Set("allow", found.allow);
    return reply;
  }
  FillParameters(found.route->segments, request);
  try {
    return found.route->handler(request);
  } catch (const std::exception& error) {
    return ErrorReply(Error{Code::kInternal, fmt::format("a bug in Assay: {}", error.what())});
  }
}

}  // namespace assay::gateway
