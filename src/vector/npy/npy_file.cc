#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>

#include <fmt/format.h>

#include "assay/core/parallel.h"
#include "assay/vector/npy.h"

namespace assay::vector {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";

struct Kind {
  std::string_view name;
  NpyElement element;
  std::size_t size_bytes;
};
constexpr Kind kKinds[] = {{"<f2", NpyElement::kFloat16, 2},
                           {"<f4", NpyElement::kFloat32, 4},
                           {"<f8", NpyElement::kFloat64, 8},
                           {"<i4", NpyElement::kInt32, 4},
                           {"<i8", NpyElement::kInt64, 8}};

std::unexpected<Error> Bad(std::string message) {
  return Fail(Code::kInvalidArgument, std::move(message));
}

// What follows `key` in the header's dictionary, without leading spaces.
std::optional<std::string_view> ValueOf(std::string_view header, std::string_view key) {
  for (const char quote : {'\'', '"'}) {
    const std::string quoted = fmt::format("{0}{1}{0}:", quote, key);
    const std::size_t at = header.find(quoted);
    if (at == std::string_view::npos) continue;
    std::string_view rest = header.substr(at + quoted.size());
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
    return rest;
  }
  return std::nullopt;
}

Result<Kind> KindOf(std::string_view header) {
  const auto value = ValueOf(header, "descr");
  if (!value || value->size() < 2 || (value->front() != '\'' && value->front() != '"')) {
    return Bad("the .npy header names no type of values");
  }
  const std::string_view name = value->substr(1, value->find(value->front(), 1) - 1);
  const auto* kind = std::ranges::find(kKinds, name, &Kind::name);
  if (kind == std::end(kKinds)) {
    return Bad(fmt::format("values of type '{}'; convert them with .astype('<f4')", name));
  }
  return *kind;
}

// "(3, 4)" or "(3,)".
Result<std::vector<std::size_t>> ShapeOf(std::string_view header) {
  const auto value = ValueOf(header, "shape");
  if (!value || value->empty() || value->front() != '(') {
    return Bad("the .npy header names no shape");
  }
  std::vector<std::size_t> shape;
  std::string_view rest = value->substr(1);
  for (;;) {
    rest.remove_prefix(std::min(rest.find_first_not_of(" ,"), rest.size()));
    if (rest.empty()) return Bad("the shape in the .npy header does not end");
    if (rest.front() == ')') return shape;
    std::size_t length = 0;
    const auto read = std::from_chars(rest.data(), rest.data() + rest.size(), length);
    if (read.ec != std::errc()) return Bad("the shape in the .npy header is no list of lengths");
    shape.push_back(length);
    rest.remove_prefix(static_cast<std::size_t>(read.ptr - rest.data()));
  }
}

// The header's dictionary and, in `data_begin`, where the values begin.
Result<std::string_view> HeaderOf(std::string_view bytes, std::size_t& data_begin) {
  if (!bytes.starts_with(kMagic) || bytes.size() < 10) {
    return Bad("not a .npy file (numpy.save writes one)");
  }
  const auto major = static_cast<unsigned char>(bytes[6]);
  if (major < 1 || major > 3) return Bad(fmt::format("a .npy file of format {}.x", major));
  const std::size_t length_bytes = major == 1 ? 2 : 4;
  const std::size_t start = 8 + length_bytes;
  std::size_t length = 0;
  for (std::size_t i = 0; i < length_bytes && 8 + i < bytes.size(); ++i) {
    length |= std::size_t{static_cast<unsigned char>(bytes[8 + i])} << (8 * i);
  }
  if (bytes.size() < start || bytes.size() - start < length) {
    return Fail(Code::kDataLoss, "the .npy file ends inside its header");
  }
  data_begin = start + length;
  return bytes.substr(start, length);
}

template <typename From, typename To>
std::vector<To> Converted(std::string_view bytes) {
  std::vector<To> values(bytes.size() / sizeof(From));
  for (std::size_t i = 0; i < values.size(); ++i) {
    From value;
    std::memcpy(&value, bytes.data() + i * sizeof(From), sizeof(From));
    values[i] = static_cast<To>(value);
  }
  return values;
}

// IEEE 754 binary16.
float FromHalf(std::uint16_t half) {
  const std::uint32_t sign = std::uint32_t{half & 0x8000U} << 16;
  const std::uint32_t exponent = (half >> 10) & 31U;
  const std::uint32_t fraction = half & 0x3FFU;
  if (exponent == 0) {
    const float value = static_cast<float>(fraction) * 0x1p-24F;
    return sign != 0 ? -value : value;
  }
  const std::uint32_t wide = exponent == 31 ? 255 : exponent + 112;
  return std::bit_cast<float>(sign | wide << 23 | fraction << 13);
}

}  // namespace

Result<NpyFile> NpyFile::FromBytes(std::string_view bytes) {
  std::size_t begin = 0;
  ASSAY_ASSIGN(const std::string_view header, HeaderOf(bytes, begin));
  ASSAY_ASSIGN(const Kind kind, KindOf(header));
  ASSAY_ASSIGN(const std::vector<std::size_t> shape, ShapeOf(header));
  const auto order = ValueOf(header, "fortran_order");
  if (!order || (!order->starts_with("False") && !order->starts_with("True"))) {
    return Bad("the .npy header does not say in which order the values stand");
  }
  if (shape.empty() || shape.size() > 2) {
    return Bad(fmt::format("an array of {} dimensions; one or two are read", shape.size()));
  }
  if (order->starts_with("True") && shape.size() == 2) {
    return Bad("values in Fortran order; save numpy.ascontiguousarray(...)");
  }
  NpyFile file;
  file.element_ = kind.element;
  file.rows_ = shape[0];
  file.dim_ = shape.size() == 2 ? shape[1] : 1;
  file.values_ = bytes.substr(begin);
  const std::size_t most = std::numeric_limits<std::size_t>::max() / kind.size_bytes;
  const bool fits = file.dim_ == 0 || file.rows_ <= most / file.dim_;
  if (!fits || file.rows_ * file.dim_ * kind.size_bytes != file.values_.size()) {
    return Fail(
        Code::kDataLoss,
        fmt::format("the .npy file holds {} bytes of values; {} x {} of {} bytes were to be "
                    "there: is it cut?",
                    file.values_.size(), file.rows_, file.dim_, kind.size_bytes));
  }
  return file;
}

Result<NpyFile> NpyFile::Open(core::FileSystem& files, const std::string& path) {
  ASSAY_ASSIGN(std::shared_ptr<core::MappedFile> mapped, files.Map(path));
  Result<NpyFile> file = FromBytes(mapped->bytes());
  if (!file) return Fail(file.error().code, fmt::format("{}: {}", path, file.error().message));
  file->mapped_ = std::move(mapped);
  return file;
}

std::span<const float> NpyFile::float_values() const {
  const bool aligned = reinterpret_cast<std::uintptr_t>(values_.data()) % alignof(float) == 0;
  if (element_ != NpyElement::kFloat32 || !aligned) return {};
  return {reinterpret_cast<const float*>(values_.data()), rows_ * dim_};
}

Result<std::vector<float>> NpyFile::ToFloats() const {
  switch (element_) {
    case NpyElement::kFloat16: {
      const auto halves = Converted<std::uint16_t, std::uint16_t>(values_);
      std::vector<float> values(halves.size());
      std::ranges::transform(halves, values.begin(), FromHalf);
      return values;
    }
    case NpyElement::kFloat32:
      return Converted<float, float>(values_);
    case NpyElement::kFloat64:
      return Converted<double, float>(values_);
    default:
      return Bad("integers where vectors were to be; convert them with .astype('<f4')");
  }
}

Result<std::vector<std::int64_t>> NpyFile::ToIntegers() const {
  switch (element_) {
    case NpyElement::kInt32:
      return Converted<std::int32_t, std::int64_t>(values_);
    case NpyElement::kInt64:
      return Converted<std::int64_t, std::int64_t>(values_);
    default:
      return Bad("floating-point numbers where row numbers were to be");
  }
}

Result<void> CheckFinite(std::span<const float> values, std::size_t dim) {
  constexpr std::size_t kGrain = 1 << 16;  // values
  return core::ParallelTry(values.size(), kGrain, [&](std::size_t begin, std::size_t end) {
    const std::span<const float> some = values.subspan(begin, end - begin);
    // Infinities and what is not a number have all bits of the exponent set.
    const bool finite = std::ranges::all_of(some, [](float v) { return std::isfinite(v); });
    if (finite) return Result<void>();
    const std::size_t i =
        begin + static_cast<std::size_t>(
                    std::ranges::find_if_not(some, [](float v) { return std::isfinite(v); }) -
                    some.begin());
    return Result<void>(Bad(
        fmt::format("value {} of row {} is {}, not a finite number", i % dim, i / dim, values[i])));
  });
}

}  // namespace assay::vector
