#include "store/manifest.h"

#include <charconv>
#include <optional>

#include <fmt/format.h>

#include "assay/core/hash.h"
#include "assay/vector/top_k.h"
#include "assay/vector/vector_store.h"

namespace assay::vector::internal {
namespace {

constexpr std::string_view kTitle = "assay vector store ";
constexpr std::uint64_t kMaxManifestBytes = std::uint64_t{1} << 20;
constexpr std::string_view kAdvice = "restore the folder from a copy";

// Text up to the separator, which is taken too; all of it where there is none.
std::string_view Take(std::string_view& text, char separator) {
  const std::size_t end = text.find(separator);
  const std::string_view part = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return part;
}

std::optional<std::uint64_t> NumberIn(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

bool IsFileName(std::string_view name, std::string_view prefix) {
  return name.starts_with(prefix) && NumberIn(name.substr(prefix.size())).has_value();
}

// False when the line is none of a manifest.
bool ReadLine(std::string_view line, Manifest& manifest) {
  const std::string_view key = Take(line, ' ');
  if (key == "encoder") {
    manifest.encoder = line;
    return line.size() <= kMaxEncoderNameBytes;
  }
  const auto number = NumberIn(Take(line, ' '));
  if (!number) return false;
  if (key == "dim" && line.empty()) {
    manifest.dim = static_cast<std::size_t>(*number);
    return *number > 0 && *number <= kMaxDim;
  }
  if (key == "end" && line.empty()) {
    manifest.end_bytes = *number;
    return true;
  }
  if (key == "next" && line.empty()) {
    manifest.next_file = *number;
    return true;
  }
  const bool base = key == "base";
  if (!base && key != "log") return false;
  std::vector<Manifest::File>& files = base ? manifest.bases : manifest.logs;
  const bool rising =
      files.empty() || files.back().version < *number || (!base && files.back().version == *number);
  files.push_back({.version = *number, .name = std::string(line)});
  return rising && IsFileName(line, base ? kBasePrefix : kLogPrefix);
}

}  // namespace

std::string FormatManifest(const Manifest& manifest) {
  std::string text = fmt::format("{}{}\ndim {}\nencoder {}\nnext {}\n", kTitle, kStoreFormatVersion,
                                 manifest.dim, manifest.encoder, manifest.next_file);
  for (const auto& file : manifest.bases)
    text += fmt::format("base {} {}\n", file.version, file.name);
  for (const auto& file : manifest.logs)
    text += fmt::format("log {} {}\n", file.version, file.name);
  if (manifest.end_bytes > 0) text += fmt::format("end {}\n", manifest.end_bytes);
  return text + fmt::format("crc {:08x}\n", core::Crc32c(text));
}

Result<Manifest> ParseManifest(std::string_view text, std::string_view name) {
  const auto damaged = [&](std::string_view what, std::size_t offset) {
    return Fail(Code::kDataLoss,
                fmt::format("'{}' is damaged: {} (offset {}); {}", name, what, offset, kAdvice));
  };
  if (!text.starts_with(kTitle)) return damaged("it does not begin as a store's manifest", 0);
  constexpr std::size_t kCrcLineBytes = 13;  // "crc 01234567\n"
  const std::size_t body_bytes = text.size() - std::min(text.size(), kCrcLineBytes);
  std::string_view body = text.substr(0, body_bytes);
  if (text.substr(body_bytes) != fmt::format("crc {:08x}\n", core::Crc32c(body))) {
    return damaged("its checksum is wrong", body_bytes);
  }
  std::string_view first = Take(body, '\n');
  first.remove_prefix(kTitle.size());
  if (first != fmt::format("{}", kStoreFormatVersion)) {
    return Fail(Code::kFailedPrecondition,
                fmt::format("'{}' has version {}, this program reads version {}", name, first,
                            kStoreFormatVersion));
  }
  Manifest manifest;
  while (!body.empty()) {
    const std::size_t offset = body_bytes - body.size();
    if (!ReadLine(Take(body, '\n'), manifest)) return damaged("a line is wrong", offset);
  }
  if (manifest.dim == 0 || manifest.logs.empty()) return damaged("lines are missing", body_bytes);
  return manifest;
}

Result<Manifest> LoadManifest(core::FileSystem& files, const std::string& folder) {
  const std::string path = fmt::format("{}/{}", folder, kManifestName);
  ASSAY_ASSIGN(const std::string text, files.ReadFile(path, kMaxManifestBytes));
  return ParseManifest(text, path);
}

Result<void> SaveManifest(core::FileSystem& files, const std::string& folder,
                          const Manifest& manifest) {
  return core::WriteFileAtomically(files, fmt::format("{}/{}", folder, kManifestName),
                                   FormatManifest(manifest));
}

}  // namespace assay::vector::internal
