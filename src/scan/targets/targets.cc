#include "assay/scan/targets.h"

#include <algorithm>
#include <charconv>
#include <memory>
#include <optional>
#include <set>

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>

namespace assay::scan {
namespace {

__extension__ using Number = unsigned __int128;

Number NumberOf(const Address& address) {
  Number number = 0;
  for (const std::uint8_t byte : address.bytes) number = number << 8 | byte;
  return number;
}

Address AddressOf(Number number) {
  Address address;
  for (std::size_t i = address.bytes.size(); i-- > 0; number >>= 8) {
    address.bytes[i] = static_cast<std::uint8_t>(number);
  }
  return address;
}

std::optional<unsigned> WholeNumber(std::string_view text, unsigned most) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > most) return std::nullopt;
  return value;
}

auto BadHost(std::string_view host, std::string_view why) {
  return Fail(Code::kInvalidArgument,
              fmt::format("'{}' {}; give an address, a network such as 10.0.0.0/24, a range such "
                          "as 10.0.0.1-20, or a name",
                          host, why));
}

Result<AddressRange> Network(std::string_view host, std::size_t slash) {
  const auto address = Address::Parse(host.substr(0, slash));
  if (!address) return BadHost(host, "is no network");
  const unsigned width = address->is_v4() ? 32 : 128;
  const auto bits = WholeNumber(host.substr(slash + 1), width);
  if (!bits) return BadHost(host, fmt::format("needs a prefix of 0 to {} bits", width));
  const unsigned free = width - *bits;
  const Number mask = free == 128 ? ~Number{0} : (Number{1} << free) - 1;
  const Number number = NumberOf(*address);
  if ((number & mask) != 0) {
    return BadHost(host, fmt::format("has bits beyond its prefix; it would be {}/{}",
                                     AddressOf(number & ~mask).Text(), *bits));
  }
  return AddressRange{*address, AddressOf(number | mask)};
}

// Nothing where it is no range: a name may have a hyphen.
Result<std::optional<AddressRange>> Range(std::string_view host, std::size_t hyphen) {
  const auto first = Address::Parse(host.substr(0, hyphen));
  if (!first) return std::nullopt;
  const std::string_view rest = host.substr(hyphen + 1);
  auto last = Address::Parse(rest);
  if (!last && first->is_v4()) {  // 10.0.0.1-20
    if (const auto byte = WholeNumber(rest, 255)) {
      last = *first;
      last->bytes[15] = static_cast<std::uint8_t>(*byte);
    }
  }
  if (!last || last->is_v4() != first->is_v4() || *last < *first) {
    return BadHost(host, "is no range from one address to a later one");
  }
  return AddressRange{*first, *last};
}

Result<std::vector<AddressRange>> Resolve(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &found); error != 0) {
    return Fail(Code::kNotFound,
                fmt::format("'{}' has no address: {}", host, ::gai_strerror(error)));
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> list(found, ::freeaddrinfo);
  std::vector<AddressRange> ranges;
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    Address address;
    if (one->ai_family == AF_INET) {
      const auto& v4 = reinterpret_cast<const sockaddr_in*>(one->ai_addr)->sin_addr;
      address.bytes[10] = address.bytes[11] = 0xFF;
      std::copy_n(reinterpret_cast<const std::uint8_t*>(&v4), 4, address.bytes.begin() + 12);
    } else if (one->ai_family == AF_INET6) {
      const auto& v6 = reinterpret_cast<const sockaddr_in6*>(one->ai_addr)->sin6_addr;
      std::copy_n(v6.s6_addr, 16, address.bytes.begin());
    } else {
      continue;
    }
    ranges.push_back({address, address});
  }
  return ranges;
}

Result<std::vector<AddressRange>> RangesOf(const std::string& host) {
  if (const auto address = Address::Parse(host))
    return std::vector{AddressRange{*address, *address}};
  if (const auto slash = host.find('/'); slash != std::string::npos) {
    ASSAY_ASSIGN(const AddressRange network, Network(host, slash));
    return std::vector{network};
  }
  if (const auto hyphen = host.find('-'); hyphen != std::string::npos) {
    ASSAY_ASSIGN(const auto range, Range(host, hyphen));
    if (range) return std::vector{*range};
  }
  if (host.empty() || host.find_first_not_of("0123456789.") == std::string::npos) {
    return BadHost(host, "is no address");
  }
  return Resolve(host);
}

// Apart and in order.
std::vector<AddressRange> Joined(std::vector<AddressRange> ranges) {
  std::ranges::sort(ranges, {}, &AddressRange::first);
  std::vector<AddressRange> joined;
  for (const AddressRange& range : ranges) {
    if (!joined.empty() && range.first <= joined.back().last) {
      joined.back().last = std::max(joined.back().last, range.last);
    } else {
      joined.push_back(range);
    }
  }
  return joined;
}

// Both apart and in order.
std::vector<AddressRange> Without(const std::vector<AddressRange>& ranges,
                                  const std::vector<AddressRange>& holes) {
  std::vector<AddressRange> left;
  for (const AddressRange& range : ranges) {
    Number next = NumberOf(range.first);
    const Number last = NumberOf(range.last);
    bool more = true;
    for (const AddressRange& hole : holes) {
      const Number from = NumberOf(hole.first);
      const Number to = NumberOf(hole.last);
      if (to < next || from > last) continue;
      if (from > next) left.push_back({AddressOf(next), AddressOf(from - 1)});
      more = to < last;
      if (!more) break;
      next = to + 1;
    }
    if (more) left.push_back({AddressOf(next), range.last});
  }
  return left;
}

Result<std::vector<AddressRange>> AllRanges(const std::vector<std::string>& hosts) {
  std::vector<AddressRange> ranges;
  for (const std::string& host : hosts) {
    ASSAY_ASSIGN(const auto some, RangesOf(host));
    ranges.insert(ranges.end(), some.begin(), some.end());
  }
  return Joined(std::move(ranges));
}

}  // namespace

std::span<const std::uint16_t> DefaultPorts() {
  // Assay, Ollama, vLLM, llama.cpp, LM Studio, TGI and others, LiteLLM, SGLang; Redis, PostgreSQL.
  static constexpr std::array<std::uint16_t, 14> kPorts = {
      80, 443, 1234, 3000, 4000, 5000, 5432, 6379, 8000, 8080, 8081, 9000, 11434, 30000};
  return kPorts;
}

Result<std::vector<std::uint16_t>> ParsePorts(std::string_view text) {
  std::set<std::uint16_t> ports;
  while (true) {
    const std::size_t comma = text.find(',');
    const std::string_view part = text.substr(0, comma);
    const std::size_t hyphen = part.find('-');
    const auto first = WholeNumber(part.substr(0, hyphen), 65'535);
    const auto last =
        hyphen == std::string_view::npos ? first : WholeNumber(part.substr(hyphen + 1), 65'535);
    if (!first || !last || *first == 0 || *first > *last) {
      return Fail(Code::kInvalidArgument,
                  fmt::format("'{}' is no port; give ports from 1 to 65535 and ranges, such as "
                              "80,8000-8100",
                              part));
    }
    for (unsigned port = *first; port <= *last; ++port) {
      ports.insert(static_cast<std::uint16_t>(port));
    }
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  return std::vector<std::uint16_t>(ports.begin(), ports.end());
}

Result<TargetSet> TargetSet::Create(const TargetOptions& options) {
  if (options.hosts.empty()) return Fail(Code::kInvalidArgument, "no host is named");
  if (options.ports.empty()) return Fail(Code::kInvalidArgument, "no port is named");
  ASSAY_ASSIGN(const auto wanted, AllRanges(options.hosts));
  ASSAY_ASSIGN(const auto holes, AllRanges(options.exclude));
  TargetSet set;
  set.ports_ = options.ports;
  set.ranges_ = Without(wanted, holes);
  for (const AddressRange& range : set.ranges_) {
    if (!options.allow_public && !IsPrivate(range)) {
      return Fail(Code::kPermissionDenied,
                  fmt::format("{}{} is not all private; scan only what is yours, and say so with "
                              "--public",
                              range.first.Text(),
                              range.first == range.last ? "" : " to " + range.last.Text()));
    }
    const Number more = NumberOf(range.last) - NumberOf(range.first);
    if (more >= kMaxTargets ||
        (set.addresses_ + static_cast<std::uint64_t>(more) + 1) * set.ports_.size() > kMaxTargets) {
      return Fail(Code::kOutOfRange,
                  fmt::format("there are more than {} targets; name fewer addresses or ports",
                              kMaxTargets));
    }
    set.before_.push_back(set.addresses_);
    set.addresses_ += static_cast<std::uint64_t>(more) + 1;
  }
  return set;
}

TargetSet TargetSet::Of(std::vector<Endpoint> endpoints) {
  TargetSet set;
  set.endpoints_ = std::move(endpoints);
  return set;
}

Address TargetSet::address(std::uint64_t i) const {
  if (!endpoints_.empty()) return endpoints_[i].address;
  const std::uint64_t number = i % addresses_;
  const auto next = std::ranges::upper_bound(before_, number);
  const auto at = static_cast<std::size_t>(next - before_.begin()) - 1;
  return AddressOf(NumberOf(ranges_[at].first) + (number - before_[at]));
}

}  // namespace assay::scan
