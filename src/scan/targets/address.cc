#include <algorithm>
#include <string>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include "assay/scan/targets.h"

namespace assay::scan {
namespace {

constexpr std::size_t kV4At = 12;  // of an IPv4 address in the 16 bytes

// Of the 128 bits, the first `bits` are those of `prefix`.
struct Block {
  std::array<std::uint8_t, 16> prefix;
  unsigned bits;
};

constexpr Block V4(std::uint8_t a, std::uint8_t b, unsigned bits) {
  return {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, a, b}, 96 + bits};
}

constexpr std::array<Block, 9> kPrivateBlocks = {
    {V4(10, 0, 8),
     V4(127, 0, 8),
     V4(172, 16, 12),
     V4(192, 168, 16),
     V4(169, 254, 16),
     V4(100, 64, 10),
     {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128},
     {{0xFC}, 7},
     {{0xFE, 0x80}, 10}}};

bool IsIn(const Address& address, const Block& block) {
  for (std::size_t i = 0; i * 8 < block.bits; ++i) {
    const unsigned left = block.bits - static_cast<unsigned>(i) * 8;
    const auto mask = static_cast<std::uint8_t>(left >= 8 ? 0xFF : 0xFF00U >> left);
    if (((address.bytes[i] ^ block.prefix[i]) & mask) != 0) return false;
  }
  return true;
}

}  // namespace

Result<Address> Address::Parse(std::string_view text) {
  const std::string copy(text);
  Address address;
  in_addr v4{};
  if (::inet_pton(AF_INET, copy.c_str(), &v4) == 1) {
    address.bytes[10] = address.bytes[11] = 0xFF;
    std::copy_n(reinterpret_cast<const std::uint8_t*>(&v4), sizeof(v4),
                address.bytes.begin() + kV4At);
    return address;
  }
  if (::inet_pton(AF_INET6, copy.c_str(), address.bytes.data()) == 1) return address;
  return Fail(Code::kInvalidArgument, fmt::format("'{}' is no IP address", text));
}

bool Address::is_v4() const {
  return std::all_of(bytes.begin(), bytes.begin() + 10, [](auto b) { return b == 0; }) &&
         bytes[10] == 0xFF && bytes[11] == 0xFF;
}

bool Address::is_private() const {
  return IsPrivate({*this, *this});
}

bool IsPrivate(const AddressRange& range) {
  return std::ranges::any_of(kPrivateBlocks, [&](const Block& block) {
    return IsIn(range.first, block) && IsIn(range.last, block);
  });
}

std::string Address::Text() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (is_v4()) {
    ::inet_ntop(AF_INET, bytes.data() + kV4At, text.data(), text.size());
  } else {
    ::inet_ntop(AF_INET6, bytes.data(), text.data(), text.size());
  }
  return text.data();
}

std::string EndpointText(const Address& address, std::uint16_t port) {
  return address.is_v4() ? fmt::format("{}:{}", address.Text(), port)
                         : fmt::format("[{}]:{}", address.Text(), port);
}

}  // namespace assay::scan
