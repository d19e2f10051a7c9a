#include <algorithm>
#include <array>
#include <utility>

#include "dashboard/assets_internal.h"
#include "dashboard/embedded_file_internal.h"

namespace assay::gateway::dashboard {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kTypes = {{
    {".html", "text/html; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".svg", "image/svg+xml"},
    {".woff2", "font/woff2"},
}};

std::string_view TypeOf(std::string_view path) {
  const auto* const found =
      std::ranges::find_if(kTypes, [&](const auto& row) { return path.ends_with(row.first); });
  return found == kTypes.end() ? "application/octet-stream" : found->second;
}

// RFC 9110, 13.1.2: a list of tags or "*"; a proxy may have made them weak.
bool Names(std::string_view if_none_match, std::string_view etag) {
  return if_none_match == "*" || if_none_match.find(etag) != std::string_view::npos;
}

}  // namespace

void AddSecurityHeaders(HttpReply& reply) {
  reply.headers.Set("content-security-policy", std::string(kContentSecurityPolicy));
  reply.headers.Set("x-content-type-options", "nosniff");
  reply.headers.Set("x-frame-options", "DENY");
  reply.headers.Set("referrer-policy", "no-referrer");
  reply.headers.Set("cross-origin-opener-policy", "same-origin");
  reply.headers.Set("cross-origin-resource-policy", "same-origin");
  reply.headers.Set("permissions-policy", "camera=(), geolocation=(), microphone=()");
  if (!reply.headers.Has("cache-control")) reply.headers.Set("cache-control", "no-store");
}

HttpReply AssetReply(std::string_view path, std::string_view if_none_match) {
  if (path.empty()) path = "index.html";
  const std::span<const EmbeddedFile> files = EmbeddedFiles();
  const auto file = std::ranges::find(files, path, &EmbeddedFile::path);
  if (file == files.end()) {
    HttpReply reply = ErrorReply(Error{Code::kNotFound, "The dashboard has no such file."});
    AddSecurityHeaders(reply);
    return reply;
  }
  HttpReply reply;
  reply.headers.Set("etag", std::string(file->etag));
  reply.headers.Set("cache-control", "no-cache");  // kept, but asked about each time
  if (Names(if_none_match, file->etag)) {
    reply.status = 304;
    reply.content_type.clear();
  } else {
    reply.content_type = TypeOf(path);
    reply.body = file->bytes;
  }
  AddSecurityHeaders(reply);
  return reply;
}

}  // namespace assay::gateway::dashboard
