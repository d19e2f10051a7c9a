#include "embed/write_vectors.h"

#include <memory>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "assay/core/file_system.h"
#include "assay/core/hash.h"
#include "assay/vector/matrix_file.h"

#include "json_output.h"

namespace assay::cli {
namespace {

constexpr std::size_t kNpyAlignment = 64;
constexpr std::size_t kNpyPrefixBytes = 10;
constexpr std::size_t kKeptLabelBytes = 31;  // of one that is too long, before its hash

// numpy.lib.format, version 1.0.
std::string NpyHeader(std::size_t rows, std::size_t dim) {
  std::string text =
      fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {}), }}", rows, dim);
  while ((kNpyPrefixBytes + text.size() + 1) % kNpyAlignment != 0) text += ' ';
  text += '\n';
  std::string header = "\x93NUMPY";
  header += '\x01';
  header += '\0';
  header += static_cast<char>(text.size() & 0xFFU);
  header += static_cast<char>(text.size() >> 8U);
  return header + text;
}

// Written piece by piece: a copy of all rows may not fit into memory.
Result<void> WriteNpy(core::FileSystem& files, const std::string& path, std::span<const float> rows,
                      std::size_t dim) {
  const std::string temporary = fmt::format("{}.tmp-{}", path, ::getpid());
  const auto write = [&]() -> Result<void> {
    ASSAY_ASSIGN(const std::unique_ptr<core::WritableFile> file, files.Create(temporary));
    ASSAY_TRY(file->Append(NpyHeader(rows.size() / dim, dim)));
    ASSAY_TRY(file->Append({reinterpret_cast<const char*>(rows.data()), rows.size_bytes()}));
    ASSAY_TRY(file->Sync());
    return files.Rename(temporary, path);
  };
  Result<void> written = write();
  if (!written) (void)files.Remove(temporary);
  return written;
}

}  // namespace

Result<void> WriteVectors(const std::string& path, std::span<const float> rows, std::size_t dim,
                          std::string_view label) {
  core::FileSystem& files = core::FileSystem::Real();
  if (path.ends_with(".npy")) return WriteNpy(files, path, rows, dim);
  const std::string short_label = label.size() <= vector::kMaxLabelBytes
                                      ? std::string(label)
                                      : fmt::format("{}#{}", label.substr(0, kKeptLabelBytes),
                                                    core::ToHex(core::HashBytes128(label)));
  ASSAY_ASSIGN(const std::string bytes, vector::EncodeMatrix(rows, dim, short_label));
  return core::WriteFileAtomically(files, path, bytes);
}

Result<void> WriteIds(const std::string& path, std::span<const TextLine> texts) {
  std::string lines;
  std::size_t row = 0;
  for (const TextLine& text : texts) {
    lines += CompactJson({{"row", row++}, {"id", text.id}});
  }
  return core::WriteFileAtomically(core::FileSystem::Real(), path, lines);
}

}  // namespace assay::cli
