// assay/scan/targets.h: which addresses and ports to look at.
// Room: scan (uses core).  Threads: plain values.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "assay/core/result.h"

namespace assay::scan {

// An IPv6 address, or an IPv4 one as ::ffff:a.b.c.d. Network byte order; compares as a number does.
struct Address {
  std::array<std::uint8_t, 16> bytes{};

  // "192.168.1.10", "fe80::1"; no names. Errors: kInvalidArgument.
  [[nodiscard]] static Result<Address> Parse(std::string_view text);
  [[nodiscard]] bool is_v4() const;
  // Loopback, private (RFC 1918, RFC 4193), link-local, or shared by a provider (RFC 6598).
  [[nodiscard]] bool is_private() const;
  [[nodiscard]] std::string Text() const;
  friend auto operator<=>(const Address&, const Address&) = default;
};

struct Endpoint {
  Address address;
  std::uint16_t port = 0;
  friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

// "10.0.0.7:8000", "[fe80::1]:8000".
[[nodiscard]] std::string EndpointText(const Address& address, std::uint16_t port);

struct AddressRange {  // both ends included, of one family
  Address first;
  Address last;
};

// Whether all of it is private, in one block.
[[nodiscard]] bool IsPrivate(const AddressRange& range);

inline constexpr std::uint64_t kMaxTargets = std::uint64_t{1} << 24;

// Ports on which servers of models, and what the gateway keeps its state in, listen by default.
[[nodiscard]] std::span<const std::uint16_t> DefaultPorts();

// "80,443,8000-8100": in order, each once. Errors: kInvalidArgument naming the part.
[[nodiscard]] Result<std::vector<std::uint16_t>> ParsePorts(std::string_view text);

struct TargetOptions {
  // Addresses ("10.0.0.7"), networks ("10.0.0.0/24"), ranges ("10.0.0.1-20", "fe80::1-fe80::9") and
  // names, which the system resolves to all their addresses.
  std::vector<std::string> hosts = {};
  std::vector<std::string> exclude = {};  // the same forms
  std::vector<std::uint16_t> ports = {};  // at least one
  bool allow_public = false;              // addresses that are not private too
};

// Addresses times ports, without equal ones.
class TargetSet {
 public:
  // Errors: kInvalidArgument naming the host; kPermissionDenied for a public address without
  // allow_public; kOutOfRange for more than kMaxTargets; kNotFound for a name that does not
  // resolve.
  [[nodiscard]] static Result<TargetSet> Create(const TargetOptions& options);

  // These, in this order.
  [[nodiscard]] static TargetSet Of(std::vector<Endpoint> endpoints);

  [[nodiscard]] std::uint64_t size() const {
    return endpoints_.empty() ? addresses_ * ports_.size() : endpoints_.size();
  }
  // What Create() made it of; empty for one of Of().
  [[nodiscard]] std::span<const AddressRange> ranges() const { return ranges_; }
  [[nodiscard]] std::span<const std::uint16_t> ports() const { return ports_; }

  // Neighbours are of different addresses where there are several, so that no host is hurried.
  // Requires: i < size(). O(log ranges).
  [[nodiscard]] Address address(std::uint64_t i) const;
  [[nodiscard]] std::uint16_t port(std::uint64_t i) const {
    return endpoints_.empty() ? ports_[i / addresses_] : endpoints_[i].port;
  }

 private:
  std::vector<AddressRange> ranges_;   // apart and in order
  std::vector<std::uint64_t> before_;  // addresses in the ranges before
  std::vector<std::uint16_t> ports_;
  std::uint64_t addresses_ = 0;
  std::vector<Endpoint> endpoints_;  // instead of all the others
};

}  // namespace assay::scan
