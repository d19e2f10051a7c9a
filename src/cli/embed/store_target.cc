#include "embed/store_target.h"

#include <charconv>
#include <cstring>
#include <unordered_map>

#include <fmt/format.h>

#include "assay/core/file_system.h"
#include "assay/core/hash.h"

#include "input.h"
#include "json_output.h"

namespace assay::cli {

std::uint64_t StoreIdOf(const std::string& id) {
  std::uint64_t number = 0;
  const char* const end = id.data() + id.size();
  const auto read = std::from_chars(id.data(), end, number);
  const bool whole = read.ec == std::errc() && read.ptr == end && (id == "0" || id[0] != '0');
  return whole ? number : core::HashBytes64(id);
}

Result<std::vector<std::uint64_t>> StoreIdsOf(const std::string& file,
                                              std::span<const TextLine> texts) {
  std::vector<std::uint64_t> ids;
  ids.reserve(texts.size());
  std::unordered_map<std::uint64_t, std::size_t> line_of;
  for (const TextLine& text : texts) {
    if (!text.has_id) {
      return Fail(Code::kInvalidArgument,
                  fmt::format("{}:{}: it has no `id`; a store keeps vectors under ids",
                              NameOfInput(file), text.line));
    }
    ids.push_back(StoreIdOf(text.id));
    const auto [place, fresh] = line_of.try_emplace(ids.back(), text.line);
    if (!fresh) {
      return Fail(
          Code::kInvalidArgument,
          fmt::format("{}:{}: its id '{}' and that of line {} are both number {} in a store",
                      NameOfInput(file), text.line, text.id, place->second, ids.back()));
    }
  }
  return ids;
}

Result<std::size_t> PutChanged(vector::VectorStore& store, std::span<const std::uint64_t> ids,
                               std::span<const float> rows) {
  const std::size_t dim = store.dim();
  const auto view = store.View();
  std::vector<float> before(dim);
  vector::VectorBatch batch(dim);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const std::span<const float> row = rows.subspan(i * dim, dim);
    if (const auto at = view->RowOf(ids[i])) {
      ASSAY_TRY(view->Read(*at, before));
      if (std::memcmp(before.data(), row.data(), row.size_bytes()) == 0) continue;
    }
    batch.Put(ids[i], row);
  }
  if (batch.empty()) return std::size_t{0};
  ASSAY_TRY(store.Commit(batch));
  return batch.changes().size();
}

Result<void> WriteStoreIds(const std::string& path, std::span<const TextLine> texts,
                           std::span<const std::uint64_t> ids) {
  std::string lines;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    lines += CompactJson({{"id", texts[i].id}, {"vector", ids[i]}});
  }
  return core::WriteFileAtomically(core::FileSystem::Real(), path, lines);
}

}  // namespace assay::cli
