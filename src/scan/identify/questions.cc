#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>

#include <curl/curl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "connect/socket_address_internal.h"
#include "identify/questions_internal.h"

namespace assay::scan::internal {
namespace {

constexpr std::size_t kMaxBody = 1U << 20;
constexpr std::string_view kIdField = "x-request-id: ";

std::size_t TakeBody(char* bytes, std::size_t one, std::size_t count, void* opaque) noexcept {
  auto& answer = *static_cast<HttpAnswer*>(opaque);
  const std::size_t size = one * count;
  answer.cut = size > kMaxBody - answer.body.size();
  if (answer.cut) return 0;  // curl gives up
  answer.body.append(bytes, size);
  return size;
}

// "req_" and 16 hexadecimal digits, as the gateway names requests.
bool IsAssayName(std::string_view id) {
  constexpr std::string_view kPrefix = "req_";
  return id.size() == kPrefix.size() + 16 && id.starts_with(kPrefix) &&
         id.find_first_not_of("0123456789abcdef", kPrefix.size()) == std::string_view::npos;
}

std::size_t TakeHeader(char* bytes, std::size_t one, std::size_t count, void* opaque) noexcept {
  const std::string_view line(bytes, one * count);
  const bool named =
      line.size() > kIdField.size() &&
      std::equal(kIdField.begin(), kIdField.end(), line.begin(), [](char want, char c) {
        return want == (c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
      });
  if (named) {
    std::string_view id = line.substr(kIdField.size());
    while (!id.empty() && id.back() <= ' ') id.remove_suffix(1);
    static_cast<HttpAnswer*>(opaque)->named_by_assay = IsAssayName(id);
  }
  return line.size();
}

struct FreeCurl {
  void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

// Waits until the socket is ready for `events`.
bool IsReady(int descriptor, short events, std::uint32_t timeout_ms) {
  pollfd one{.fd = descriptor, .events = events, .revents = 0};
  return ::poll(&one, 1, static_cast<int>(timeout_ms)) == 1 && (one.revents & events) != 0;
}

bool ConnectWithin(int descriptor, const Address& address, std::uint16_t port,
                   std::uint32_t timeout_ms) {
  sockaddr_storage to;
  const socklen_t size = SocketAddress(address, port, to);
  if (::connect(descriptor, reinterpret_cast<const sockaddr*>(&to), size) == 0) return true;
  if (errno != EINPROGRESS || !IsReady(descriptor, POLLOUT, timeout_ms)) return false;
  int error = 0;
  socklen_t error_size = sizeof(error);
  return ::getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &error_size) == 0 && error == 0;
}

}  // namespace

HttpAnswer AskHttp(const std::string& url, std::string_view body, std::uint32_t timeout_ms) {
  HttpAnswer answer;
  const std::unique_ptr<CURL, FreeCurl> curl(curl_easy_init());
  if (curl == nullptr) return answer;
  const auto set = [&](CURLoption option, auto value) {
    (void)curl_easy_setopt(curl.get(), option, value);
  };
  std::unique_ptr<curl_slist, FreeCurl> fields(
      curl_slist_append(nullptr, "content-type: application/json"));
  set(CURLOPT_URL, url.c_str());
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_PROXY, "");
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_HTTP09_ALLOWED, 0L);
  set(CURLOPT_SSL_VERIFYPEER, 0L);
  set(CURLOPT_SSL_VERIFYHOST, 0L);
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(timeout_ms));
  set(CURLOPT_USERAGENT, "assay-scan");
  if (!body.empty()) {
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
    set(CURLOPT_POSTFIELDS, body.data());
    set(CURLOPT_HTTPHEADER, fields.get());
  }
  set(CURLOPT_WRITEFUNCTION, &TakeBody);
  set(CURLOPT_WRITEDATA, static_cast<void*>(&answer));
  set(CURLOPT_HEADERFUNCTION, &TakeHeader);
  set(CURLOPT_HEADERDATA, static_cast<void*>(&answer));
  const CURLcode done = curl_easy_perform(curl.get());
  long status = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  if (done == CURLE_OK || answer.cut) answer.status = static_cast<int>(status);
  return answer;
}

std::string AskRaw(const Address& address, std::uint16_t port, std::string_view bytes,
                   std::size_t most, std::uint32_t timeout_ms) {
  const int descriptor =
      ::socket(address.is_v4() ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return {};
  std::string answer;
  if (ConnectWithin(descriptor, address, port, timeout_ms) &&
      ::send(descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
          static_cast<ssize_t>(bytes.size())) {
    std::array<char, 4096> buffer{};
    while (answer.size() < most && IsReady(descriptor, POLLIN, timeout_ms)) {
      const ssize_t got =
          ::recv(descriptor, buffer.data(), std::min(buffer.size(), most - answer.size()), 0);
      if (got <= 0) break;
      answer.append(buffer.data(), static_cast<std::size_t>(got));
    }
  }
  ::close(descriptor);
  return answer;
}

}  // namespace assay::scan::internal
