#include "provider/http/http_client.h"

#include <algorithm>
#include <array>
#include <mutex>
#include <optional>

#include <curl/curl.h>
#include <fmt/format.h>

#include "assay/core/traffic/retry_after.h"

namespace assay::embed::internal {
namespace {

constexpr std::int64_t kNsPerMs = 1'000'000;
constexpr std::size_t kMaxSaidBytes = 300;  // of a server's words in an error

std::string_view Trimmed(std::string_view text) {
  const auto space = [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
  while (!text.empty() && space(text.front())) text.remove_prefix(1);
  while (!text.empty() && space(text.back())) text.remove_suffix(1);
  return text;
}

bool EqualsLower(std::string_view text, std::string_view lower) {
  return std::ranges::equal(text, lower, [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
  });
}

// One answer while it arrives.
struct Arriving {
  HttpReply reply;
  std::optional<std::int64_t> exact_ms;
  std::string retry_after;
  std::size_t limit_bytes = 0;
  bool too_large = false;
};

std::size_t TakeBody(char* bytes, std::size_t one, std::size_t count, void* opaque) noexcept {
  auto& arriving = *static_cast<Arriving*>(opaque);
  arriving.too_large = count > arriving.limit_bytes - arriving.reply.body.size();
  if (arriving.too_large) return 0;  // curl gives up
  arriving.reply.body.append(bytes, one * count);
  return one * count;
}

std::size_t TakeHeader(char* bytes, std::size_t one, std::size_t count, void* opaque) noexcept {
  auto& arriving = *static_cast<Arriving*>(opaque);
  const std::string_view line(bytes, one * count);
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return line.size();
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = Trimmed(line.substr(colon + 1));
  if (EqualsLower(name, "retry-after")) arriving.retry_after = value;
  if (EqualsLower(name, "retry-after-ms")) arriving.exact_ms = core::ParseRetryAfterMs(value);
  if (EqualsLower(name, "x-amzn-errortype")) arriving.reply.error_type = value;
  return line.size();
}

struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using HeaderList = std::unique_ptr<curl_slist, FreeList>;

Result<HeaderList> ListOf(const HttpClient::Headers& headers) {
  HeaderList list;
  for (const auto& [name, value] : headers) {
    const std::string line = fmt::format("{}: {}", name, value);
    curl_slist* grown = curl_slist_append(list.get(), line.c_str());
    if (grown == nullptr) return Fail(Code::kResourceExhausted, "out of memory for HTTP headers");
    (void)list.release();
    list.reset(grown);
  }
  return list;
}

Code CodeOf(CURLcode code) {
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
      return Code::kDeadlineExceeded;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
      return Code::kFailedPrecondition;
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
      return Code::kInvalidArgument;
    default:
      return Code::kUnavailable;
  }
}

}  // namespace

// One easy handle with its connection.
class HttpClient::Handle {
 public:
  explicit Handle(CURL* curl) : curl_(curl) {}
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() { curl_easy_cleanup(curl_); }

  CURLcode Post(const HttpOptions& options, const std::string& url, curl_slist* headers,
                std::string_view body, std::int64_t timeout_ms, Arriving& arriving) {
    error_[0] = '\0';
    curl_easy_reset(curl_);  // keeps the connection
    Set(CURLOPT_ERRORBUFFER, error_.data());
    Set(CURLOPT_NOSIGNAL, 1L);
    Set(CURLOPT_PROTOCOLS_STR, "http,https");
    Set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    Set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    Set(CURLOPT_PROXY, options.proxy.c_str());  // "" keeps curl from reading the environment
    if (!options.ca_file.empty()) Set(CURLOPT_CAINFO, options.ca_file.c_str());
    Set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options.connect_timeout_ms));
    Set(CURLOPT_TIMEOUT_MS, static_cast<long>(timeout_ms));
    Set(CURLOPT_URL, url.c_str());
    Set(CURLOPT_PATH_AS_IS, 1L);  // what is signed is what is sent
    Set(CURLOPT_POST, 1L);
    Set(CURLOPT_POSTFIELDS, body.data());
    Set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
    Set(CURLOPT_HTTPHEADER, headers);
    Set(CURLOPT_WRITEFUNCTION, &TakeBody);
    Set(CURLOPT_WRITEDATA, static_cast<void*>(&arriving));
    Set(CURLOPT_HEADERFUNCTION, &TakeHeader);
    Set(CURLOPT_HEADERDATA, static_cast<void*>(&arriving));
    const CURLcode code = curl_easy_perform(curl_);
    long status = 0;
    curl_easy_getinfo(curl_, CURLINFO_RESPONSE_CODE, &status);
    arriving.reply.status = static_cast<int>(status);
    return code;
  }

  [[nodiscard]] std::string ErrorText(CURLcode code) const {
    return error_[0] != '\0' ? std::string(error_.data()) : std::string(curl_easy_strerror(code));
  }

 private:
  template <typename Value>
  void Set(CURLoption option, Value value) {
    curl_easy_setopt(curl_, option, value);
  }

  CURL* curl_;
  std::array<char, CURL_ERROR_SIZE> error_{};
};

struct HttpClient::Pool {
  std::mutex mutex;
  std::vector<std::unique_ptr<Handle>> idle;  // guarded by mutex
};

HttpClient::HttpClient(HttpOptions options, core::Clock& clock)
    : options_(std::move(options)), clock_(clock), pool_(std::make_unique<Pool>()) {}
HttpClient::~HttpClient() = default;

Result<std::unique_ptr<HttpClient::Handle>> HttpClient::Take() {
  static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (initialised != CURLE_OK) return Fail(Code::kInternal, "libcurl does not start");
  {
    const std::scoped_lock lock(pool_->mutex);
    if (!pool_->idle.empty()) {
      std::unique_ptr<Handle> handle = std::move(pool_->idle.back());
      pool_->idle.pop_back();
      return handle;
    }
  }
  CURL* curl = curl_easy_init();
  if (curl == nullptr) return Fail(Code::kResourceExhausted, "out of memory for an HTTP handle");
  return std::make_unique<Handle>(curl);
}

void HttpClient::Return(std::unique_ptr<Handle> handle) {
  const std::scoped_lock lock(pool_->mutex);
  pool_->idle.push_back(std::move(handle));
}

Result<HttpReply> HttpClient::Post(const std::string& url, const Headers& headers,
                                   std::string_view body, const CallContext& context) {
  const std::int64_t left_ms = (context.deadline_ns - clock_.monotonic_ns()) / kNsPerMs;
  if (left_ms <= 0) return Fail(Code::kDeadlineExceeded, "no time is left for the call");
  ASSAY_ASSIGN(const HeaderList list, ListOf(headers));
  ASSAY_ASSIGN(std::unique_ptr<Handle> handle, Take());
  Arriving arriving;
  arriving.limit_bytes = options_.max_answer_bytes;
  const CURLcode code = handle->Post(options_, url, list.get(), body,
                                     std::min(options_.call_timeout_ms, left_ms), arriving);
  if (code != CURLE_OK) {
    if (arriving.too_large) {
      return Fail(Code::kOutOfRange, fmt::format("the answer of {} is larger than {} bytes", url,
                                                 options_.max_answer_bytes));
    }
    return Fail(CodeOf(code), fmt::format("no answer of {}: {}", url, handle->ErrorText(code)));
  }
  Return(std::move(handle));  // one whose call failed is closed with its connection
  if (arriving.exact_ms) {
    arriving.reply.retry_after_ms = *arriving.exact_ms;
  } else if (!arriving.retry_after.empty()) {
    arriving.reply.retry_after_ms =
        core::ParseRetryAfter(arriving.retry_after, clock_.wall_ns() / kNsPerMs).value_or(-1);
  }
  return std::move(arriving.reply);
}

Error ErrorOfStatus(std::string_view who, int status, std::string_view said) {
  Code code = Code::kInvalidArgument;
  std::string_view what = "refuses the request";
  if (status == 401) {
    code = Code::kUnauthenticated;
    what = "does not accept the key";
  } else if (status == 403) {
    code = Code::kPermissionDenied;
    what = "denies access: look at the credentials, their rights and the clock of this machine";
  } else if (status == 404) {
    code = Code::kNotFound;
    what = "does not know the address or the model";
  } else if (status == 413) {
    code = Code::kOutOfRange;
    what = "finds the request too large";
  } else if (status == 429) {
    code = Code::kResourceExhausted;
    what = "asks for fewer requests";
  } else if (status == 408 || status == 409 || status == 425 || status >= 500) {
    code = Code::kUnavailable;
    what = "cannot answer now";
  } else if (status < 400) {
    code = Code::kFailedPrecondition;
    what = "sends elsewhere, which is not followed; name the right address";
  }
  std::string words(said.substr(0, kMaxSaidBytes));
  for (char& c : words) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  }
  return {code, fmt::format("{} {} (status {}{}{})", who, what, status, words.empty() ? "" : ": ",
                            words)};
}

}  // namespace assay::embed::internal
