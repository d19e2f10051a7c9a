#include "assay/vector/matrix_file.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include <fmt/format.h>

#include "assay/core/format/bytes.h"
#include "assay/core/hash.h"

namespace assay::vector {
namespace {

constexpr std::string_view kMagic = "ASYMATRX";
constexpr std::uint32_t kByteOrder = 0x01020304;
constexpr std::size_t kAlignment = 64;  // a cache line; rows of whole lines never share one

struct Header {
  char magic[8];
  std::uint32_t version;
  std::uint32_t byte_order;
  std::uint32_t element;
  std::uint32_t dim;
  std::uint64_t rows;
  std::uint64_t content_hash;  // XXH3-64 of everything behind the header
  std::uint32_t label_bytes;
  char reserved[12];
  char label[kMaxLabelBytes];
  std::uint64_t header_hash;  // XXH3-64 of all before it
};
static_assert(sizeof(Header) == 128 && offsetof(Header, header_hash) == 120);

std::uint64_t HashOf(const Header& header) {
  return core::HashBytes64(core::BytesOf(header).substr(0, offsetof(Header, header_hash)));
}

struct Layout {
  std::uint64_t scale_bytes = 0;  // padded to kAlignment; 0 for floats
  std::uint64_t value_bytes = 0;
};

// Requires: dim <= kMaxDim and rows < 2^32, so nothing overflows.
Layout LayoutOf(Element element, std::uint64_t rows, std::uint64_t dim) {
  if (element == Element::kFloat32) return {0, rows * dim * sizeof(float)};
  const std::uint64_t scales = rows * sizeof(float);
  return {(scales + kAlignment - 1) / kAlignment * kAlignment, rows * dim};
}

Result<Header> ReadHeader(std::string_view bytes) {
  Header header;
  if (bytes.size() < sizeof(header) || !bytes.starts_with(kMagic)) {
    return Fail(Code::kDataLoss, "not a matrix file");
  }
  std::memcpy(&header, bytes.data(), sizeof(header));
  if (header.byte_order != kByteOrder) {
    return Fail(Code::kFailedPrecondition, "a matrix of a machine with another byte order");
  }
  if (header.version != kMatrixFormatVersion) {
    return Fail(Code::kFailedPrecondition,
                fmt::format("a matrix of format {}, this program reads format {}", header.version,
                            kMatrixFormatVersion));
  }
  if (HashOf(header) != header.header_hash) {
    return Fail(Code::kDataLoss, "the matrix's header is damaged");
  }
  const bool known = header.element == static_cast<std::uint32_t>(Element::kFloat32) ||
                     header.element == static_cast<std::uint32_t>(Element::kInt8);
  if (!known || header.dim == 0 || header.dim > kMaxDim || header.rows >= kNoRow ||
      header.label_bytes > kMaxLabelBytes) {
    return Fail(Code::kDataLoss, "the matrix's header makes no sense");
  }
  return header;
}

std::string Assemble(Element element, std::size_t rows, std::size_t dim, std::string_view label,
                     std::span<const float> scales, std::span<const char> values) {
  const Layout layout = LayoutOf(element, rows, dim);
  std::string bytes(sizeof(Header) + layout.scale_bytes + layout.value_bytes, '\0');
  char* content = bytes.data() + sizeof(Header);
  if (!scales.empty()) std::memcpy(content, scales.data(), scales.size_bytes());
  if (!values.empty()) std::memcpy(content + layout.scale_bytes, values.data(), values.size());
  Header header = {};
  std::ranges::copy(kMagic, header.magic);
  header.version = kMatrixFormatVersion;
  header.byte_order = kByteOrder;
  header.element = static_cast<std::uint32_t>(element);
  header.dim = static_cast<std::uint32_t>(dim);
  header.rows = rows;
  header.content_hash = core::HashBytes64(std::string_view(bytes).substr(sizeof(Header)));
  header.label_bytes = static_cast<std::uint32_t>(label.size());
  std::ranges::copy(label, header.label);
  header.header_hash = HashOf(header);
  std::memcpy(bytes.data(), &header, sizeof(header));
  return bytes;
}

Result<std::size_t> RowsOf(std::size_t values, std::size_t dim, std::string_view label) {
  if (dim == 0 || dim > kMaxDim) {
    return Fail(Code::kOutOfRange, fmt::format("a matrix of {} dimensions", dim));
  }
  if (values % dim != 0 || label.size() > kMaxLabelBytes) {
    return Fail(Code::kInvalidArgument,
                fmt::format("{} values in rows of {}, label of {} bytes (at most {})", values, dim,
                            label.size(), kMaxLabelBytes));
  }
  if (values / dim >= kNoRow) return Fail(Code::kOutOfRange, "too many rows for one matrix");
  return values / dim;
}

}  // namespace

Result<MatrixFile> MatrixFile::FromBytes(std::string_view bytes, Verify verify) {
  ASSAY_ASSIGN(const Header header, ReadHeader(bytes));
  const auto element = static_cast<Element>(header.element);
  const Layout layout = LayoutOf(element, header.rows, header.dim);
  const std::string_view content = bytes.substr(sizeof(Header));
  if (content.size() != layout.scale_bytes + layout.value_bytes) {
    return Fail(Code::kDataLoss,
                fmt::format("the matrix holds {} bytes, its header says {}", content.size(),
                            layout.scale_bytes + layout.value_bytes));
  }
  if (verify == Verify::kContent && core::HashBytes64(content) != header.content_hash) {
    return Fail(Code::kDataLoss, "the matrix's content is damaged");
  }
  MatrixFile file;
  file.element_ = element;
  file.dim_ = header.dim;
  file.rows_ = header.rows;
  file.label_ = bytes.substr(offsetof(Header, label), header.label_bytes);
  const char* values = content.data() + layout.scale_bytes;
  if (element == Element::kFloat32) {
    file.float_rows_ = {reinterpret_cast<const float*>(values), file.rows_ * file.dim_};
  } else {
    file.int8_rows_.scales = {reinterpret_cast<const float*>(content.data()), file.rows_};
    file.int8_rows_.values = {reinterpret_cast<const std::int8_t*>(values), file.rows_ * file.dim_};
  }
  return file;
}

Result<MatrixFile> MatrixFile::Open(core::FileSystem& files, const std::string& path,
                                    Verify verify) {
  ASSAY_ASSIGN(std::shared_ptr<core::MappedFile> mapped, files.Map(path));
  Result<MatrixFile> file = FromBytes(mapped->bytes(), verify);
  if (!file) return Fail(file.error().code, fmt::format("{}: {}", path, file.error().message));
  file->mapped_ = std::move(mapped);
  return file;
}

Result<std::vector<Hit>> MatrixFile::Search(std::span<const float> queries, std::size_t k) const {
  return element_ == Element::kFloat32 ? TopKBatch(queries, dim_, float_rows_, k)
                                       : TopKBatch(queries, dim_, int8_rows_, k);
}

Result<std::string> EncodeMatrix(std::span<const float> rows, std::size_t dim,
                                 std::string_view label) {
  ASSAY_ASSIGN(const std::size_t count, RowsOf(rows.size(), dim, label));
  return Assemble(Element::kFloat32, count, dim, label, {},
                  {reinterpret_cast<const char*>(rows.data()), rows.size_bytes()});
}

Result<std::string> EncodeMatrix(const Int8Rows& rows, std::size_t dim, std::string_view label) {
  ASSAY_ASSIGN(const std::size_t count, RowsOf(rows.values.size(), dim, label));
  if (rows.scales.size() != count) {
    return Fail(Code::kInvalidArgument,
                fmt::format("{} scales for {} rows", rows.scales.size(), count));
  }
  return Assemble(Element::kInt8, count, dim, label, rows.scales,
                  {reinterpret_cast<const char*>(rows.values.data()), rows.values.size()});
}

}  // namespace assay::vector
