// What the tests of the vector store share.
#pragma once
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "assay/core/clock.h"
#include "assay/vector/vector_store.h"

#include "crash_fs.h"
#include "fake_clock.h"

namespace assay::vector::testing {

inline constexpr std::size_t kDim = 12;
inline constexpr std::string_view kFolder = "/vectors";

using Row = std::vector<float>;
using Rows = std::map<std::uint64_t, Row>;  // what a version holds, by id

// A vector that depends on nothing but its arguments.
inline Row RowOf(std::uint64_t id, std::uint64_t change, std::size_t dim = kDim) {
  core::SeededRng rng(id * 1'000'003 + 1);
  Row row(dim);
  for (float& value : row) value = static_cast<float>(rng.NextUnit()) - 0.5F;
  // A later version differs in a part of the values only.
  for (std::size_t i = change % 3; i < dim && change > 0; i += 3) {
    row[i] += static_cast<float>(change) / 1024;
  }
  return row;
}

inline bool SameBits(const Row& a, const Row& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

inline Rows Contents(const VectorView& view) {
  Rows rows;
  std::vector<float> all(view.rows() * view.dim());
  EXPECT_TRUE(view.Read(0, all));
  for (std::size_t r = 0; r < view.rows(); ++r) {
    const auto begin = all.begin() + static_cast<std::ptrdiff_t>(r * view.dim());
    rows[view.IdOf(r)] = Row(begin, begin + static_cast<std::ptrdiff_t>(view.dim()));
    EXPECT_EQ(view.RowOf(view.IdOf(r)), r);
  }
  return rows;
}

inline ::testing::AssertionResult SameRows(const Rows& found, const Rows& wanted) {
  for (const auto& [id, row] : wanted) {
    const auto other = found.find(id);
    if (other == found.end()) return ::testing::AssertionFailure() << "no vector " << id;
    if (!SameBits(other->second, row)) return ::testing::AssertionFailure() << "other bits " << id;
  }
  if (found.size() != wanted.size()) return ::testing::AssertionFailure() << "too many vectors";
  return ::testing::AssertionSuccess();
}

// A store on a simulated disk, without a thread, so that every run does the same.
struct SimulatedStore {
  assay::testing::CrashFs files;
  assay::testing::FakeClock clock{1'700'000'000'000'000'000};
  std::vector<StoreEvent> events;
  StoreOptions options;

  SimulatedStore() {
    options.folder = kFolder;
    options.dim = kDim;
    options.encoder = "test-encoder 1";
    options.background = false;
    options.clock = &clock;
    options.on_event = [this](const StoreEvent& event) { events.push_back(event); };
  }
  Result<std::unique_ptr<VectorStore>> TryOpen() { return VectorStore::Open(files, options); }
  std::unique_ptr<VectorStore> Open() {
    auto opened = TryOpen();
    if (!opened) {
      ADD_FAILURE() << opened.error().message;
      return nullptr;
    }
    return *std::move(opened);
  }
  // Paths of the files that begin so.
  std::vector<std::string> FilesOf(std::string_view prefix) {
    std::vector<std::string> paths;
    const std::vector<std::string> names = files.List(std::string(kFolder)).value();
    for (const std::string& name : names) {
      if (name.starts_with(prefix)) paths.push_back(std::string(kFolder) + "/" + name);
    }
    return paths;
  }
};

}  // namespace assay::vector::testing
