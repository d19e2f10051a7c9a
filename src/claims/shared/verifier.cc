#include "assay/claims/shared/verifier.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>

namespace assay::claims {
namespace {

// A part with details holds few claims, for its reply is many times its size.
constexpr std::size_t kDetailedClaims = 64;
constexpr std::size_t kRecordedClaims = 4096;

// How many of the claims go into the next part: as many as fit `most_bytes`, at least one.
std::size_t PartOf(std::span<const std::string_view> claims, std::size_t most_claims,
                   std::size_t most_bytes) {
  std::size_t bytes = 0;
  std::size_t n = 0;
  while (n < std::min(claims.size(), most_claims)) {
    bytes += sizeof(std::uint32_t) + claims[n].size();
    if (n > 0 && bytes > most_bytes) break;
    ++n;
  }
  return n;
}

// The gateway counts claims from the part's first.
Error WithIndexFrom(Error error, std::size_t first) {
  constexpr std::string_view kWhere = "claims[";
  if (first == 0 || !error.message.starts_with(kWhere)) return error;
  const std::size_t end = error.message.find(']');
  std::size_t index = 0;
  for (std::size_t i = kWhere.size(); i < end && end != std::string::npos; ++i) {
    index = index * 10 + static_cast<std::size_t>(error.message[i] - '0');
  }
  error.message = fmt::format("claims[{}{}", first + index, error.message.substr(end));
  return error;
}

}  // namespace

Result<SharedVerifier> SharedVerifier::Connect(std::string_view name,
                                               std::chrono::nanoseconds timeout) {
  ASSAY_ASSIGN(auto client, core::SharedClient::Connect(name));
  return SharedVerifier(std::move(client), timeout);
}

Result<void> SharedVerifier::Send(std::span<const std::string_view> claims, std::string_view route,
                                  bool details) {
  const WireRequest request{
      .route = route, .details = details, .claims = {claims.begin(), claims.end()}};
  ASSAY_ASSIGN(const std::span<char> room, client_.Begin(WireBytes(request), timeout_));
  WriteWire(request, room);
  client_.Send();
  return {};
}

template <typename Item, typename Read>
Result<std::vector<Item>> SharedVerifier::Batch(std::span<const std::string_view> claims,
                                                std::string_view route, bool details,
                                                const Read& read) {
  const std::size_t most = details ? kDetailedClaims : kRecordedClaims;
  const std::size_t most_bytes = client_.max_bytes() / 2 - std::min(route.size(), std::size_t{512});
  const auto size_at = [&](std::size_t at) { return PartOf(claims.subspan(at), most, most_bytes); };
  std::vector<Item> items;
  items.reserve(claims.size());
  std::size_t sent = 0;
  Result<void> failed;
  while (sent < claims.size() || client_.pending() > 0) {
    // Two parts on their way keep the gateway busy while this side reads.
    while (failed && sent < claims.size() && client_.pending() < 2) {
      const std::size_t n = size_at(sent);
      failed = Send(claims.subspan(sent, n), route, details);
      if (failed) sent += n;
    }
    if (client_.pending() == 0) break;
    ASSAY_ASSIGN(const std::string_view reply, client_.Receive(timeout_));
    auto part = read(reply);
    // Replies to what was sent meanwhile are read as well, so that the next batch gets its own.
    if (!part) {
      if (failed) failed = std::unexpected(WithIndexFrom(std::move(part).error(), items.size()));
    } else {
      std::ranges::move(*part, std::back_inserter(items));
    }
  }
  if (!failed) return std::unexpected(std::move(failed).error());
  if (items.size() != claims.size()) {
    return Fail(Code::kDataLoss,
                fmt::format("the gateway judged {} of {} claims", items.size(), claims.size()));
  }
  return items;
}

Result<std::vector<Judgement>> SharedVerifier::Verify(std::span<const std::string_view> claims,
                                                      std::string_view route) {
  return Batch<Judgement>(claims, route, true, ReadWireJudgements);
}

Result<std::vector<VerdictRecord>> SharedVerifier::VerifyRecords(
    std::span<const std::string_view> claims, std::string_view route) {
  return Batch<VerdictRecord>(claims, route, false, ReadWireRecords);
}

}  // namespace assay::claims
