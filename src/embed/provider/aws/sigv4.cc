#include "provider/aws/sigv4.h"

#include <algorithm>
#include <chrono>
#include <map>

#include <fmt/format.h>

#include "assay/crypto/hmac.h"
#include "assay/crypto/secret.h"

#include "sha256.h"

namespace assay::embed::internal {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr std::size_t kDateDigits = 8;

bool Unreserved(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::string NormalPath(std::string_view path) {
  std::vector<std::string_view> kept;
  for (const std::string_view part : Split(path, '/')) {
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      if (!kept.empty()) kept.pop_back();
    } else {
      kept.push_back(part);
    }
  }
  std::string normal;
  for (const std::string_view part : kept) normal.append("/").append(part);
  if (normal.empty() || path.ends_with('/')) normal += '/';
  return normal;
}

std::string CanonicalQuery(std::string_view query) {
  if (query.empty()) return {};
  std::vector<std::pair<std::string_view, std::string_view>> pairs;
  for (const std::string_view part : Split(query, '&')) {
    const std::size_t equals = part.find('=');
    pairs.emplace_back(part.substr(0, equals), equals == std::string_view::npos
                                                   ? std::string_view()
                                                   : part.substr(equals + 1));
  }
  std::ranges::sort(pairs);
  std::string text;
  for (const auto& [name, value] : pairs) {
    text.append(text.empty() ? "" : "&").append(name).append("=").append(value);
  }
  return text;
}

// Without spaces at the ends, and with one where there were several.
std::string Squeezed(std::string_view value) {
  std::string text;
  for (const char c : value) {
    const bool space = c == ' ' || (c >= '\t' && c <= '\r');
    if (!space) {
      text += c;
    } else if (!text.empty() && text.back() != ' ') {
      text += ' ';
    }
  }
  if (text.ends_with(' ')) text.pop_back();
  return text;
}

std::string Lower(std::string_view name) {
  std::string lower(name);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

Result<crypto::Mac> Mac(std::string_view key, std::string_view message) {
  ASSAY_ASSIGN(const crypto::HmacKey hmac, crypto::HmacKey::Create(key));
  return hmac.Sign(message);
}

Result<crypto::Mac> SigningKey(std::string_view secret_key, std::string_view date,
                               const SigningScope& scope) {
  crypto::SecretString first(4 + secret_key.size());
  std::ranges::copy(std::string_view("AWS4"), first.span().begin());
  std::ranges::copy(secret_key, first.span().begin() + 4);
  ASSAY_ASSIGN(crypto::Mac key, Mac(first.view(), date));
  for (const std::string_view step :
       {std::string_view(scope.region), std::string_view(scope.service),
        std::string_view("aws4_request")}) {
    ASSAY_ASSIGN(const crypto::Mac next, Mac(crypto::ViewOf(key), step));
    key = next;
  }
  return key;
}

}  // namespace

std::string AmzTime(std::int64_t epoch_s) {
  const std::chrono::sys_seconds moment{std::chrono::seconds(epoch_s)};
  const auto day = std::chrono::floor<std::chrono::days>(moment);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(moment - day);
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     time.hours().count(), time.minutes().count(), time.seconds().count());
}

std::string UriEncode(std::string_view text, Slash slash) {
  std::string encoded;
  for (const char c : text) {
    if (Unreserved(c) || (c == '/' && slash == Slash::kKeep)) {
      encoded += c;
    } else {
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return encoded;
}

Result<Signature> SignV4(const SignedRequest& request, const SigningScope& scope,
                         std::string_view access_key_id, std::string_view secret_key) {
  if (scope.time.size() < kDateDigits || secret_key.empty() || access_key_id.empty()) {
    return Fail(Code::kInvalidArgument, "a signature needs a time, a key id and a secret key");
  }
  std::map<std::string, std::string> headers;
  for (const auto& [name, value] : request.headers) {
    const auto [place, fresh] = headers.try_emplace(Lower(name), Squeezed(value));
    if (!fresh) place->second.append(",").append(Squeezed(value));
  }
  std::string lines;
  std::string names;
  for (const auto& [name, value] : headers) {
    lines.append(name).append(":").append(value).append("\n");
    names.append(names.empty() ? "" : ";").append(name);
  }
  Signature signature;
  signature.canonical_request = fmt::format(
      "{}\n{}\n{}\n{}\n{}\n{}", request.method, UriEncode(NormalPath(request.path), Slash::kKeep),
      CanonicalQuery(request.query), lines, names, Sha256Hex(request.body));
  const std::string_view date = std::string_view(scope.time).substr(0, kDateDigits);
  const std::string credential =
      fmt::format("{}/{}/{}/aws4_request", date, scope.region, scope.service);
  signature.string_to_sign = fmt::format("{}\n{}\n{}\n{}", kAlgorithm, scope.time, credential,
                                         Sha256Hex(signature.canonical_request));
  ASSAY_ASSIGN(crypto::Mac key, SigningKey(secret_key, date, scope));
  ASSAY_ASSIGN(const crypto::Mac mac, Mac(crypto::ViewOf(key), signature.string_to_sign));
  crypto::Wipe(key);
  std::string hex;
  for (const char c : mac) hex += fmt::format("{:02x}", static_cast<unsigned char>(c));
  signature.authorization = fmt::format("{} Credential={}/{}, SignedHeaders={}, Signature={}",
                                        kAlgorithm, access_key_id, credential, names, hex);
  return signature;
}

}  // namespace assay::embed::internal
