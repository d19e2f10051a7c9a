#include "dashboard/request_check_internal.h"

namespace assay::gateway::dashboard {
namespace {

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

}  // namespace

std::string_view CookieValue(std::string_view cookie_header, std::string_view name) {
  while (!cookie_header.empty()) {
    const std::size_t end = cookie_header.find(';');
    const std::string_view pair = Trim(cookie_header.substr(0, end));
    const std::size_t equals = pair.find('=');
    if (equals != std::string_view::npos && pair.substr(0, equals) == name) {
      return pair.substr(equals + 1);
    }
    if (end == std::string_view::npos) break;
    cookie_header.remove_prefix(end + 1);
  }
  return {};
}

bool CameFromElsewhere(const HttpRequest& request) {
  const std::string_view site = request.headers.Get("sec-fetch-site");
  return !site.empty() && site != "same-origin" && site != "none";
}

bool SendsJson(const HttpRequest& request) {
  const std::string_view type = request.headers.Get("content-type");
  return EqualsIgnoreCase(Trim(type.substr(0, type.find(';'))), "application/json");
}

std::string AddressOf(std::string_view peer) {
  if (peer.starts_with('[')) return std::string(peer.substr(1, peer.find(']') - 1));
  return std::string(peer.substr(0, peer.rfind(':')));
}

}  // namespace assay::gateway::dashboard
