// The parts below the disk tier: the scan of a segment, the index, the checkpoint.
#include <algorithm>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "assay/core/clock.h"
#include "assay/core/hash.h"

#include "crash_fs.h"
#include "disk/checkpoint.h"
#include "disk/format.h"
#include "disk/index.h"

namespace assay::cache::disk {
namespace {

using assay::testing::CrashFs;

std::string RecordOf(std::uint32_t segment, std::uint64_t offset, std::uint64_t sequence,
                     std::string payload) {
  RecordHeader header{};
  header.sequence = sequence;
  header.payload_bytes = static_cast<std::uint32_t>(payload.size());
  payload.resize(Padded(payload.size()), '\0');
  header.payload_crc = core::Crc32c(payload);
  header.header_crc = HeaderCrc(header, segment, offset);
  std::string record(sizeof(header), '\0');
  std::memcpy(record.data(), &header, sizeof(header));
  return record + payload;
}

struct Scanned {
  std::vector<std::uint64_t> sequences;
  std::vector<BadStretch> bad;
  ScanReport report;
};

Scanned ScanOf(const std::string& bytes, std::uint32_t segment) {
  CrashFs files;
  files.Plant("/s", bytes);
  const auto file = files.OpenRead("/s").value();
  Scanned result;
  result.report = ScanSegment(
                      *file, bytes.size(), segment, sizeof(SegmentHeader), 1,
                      [&](const RecordHeader& header, std::uint64_t) {
                        result.sequences.push_back(header.sequence);
                      },
                      [&](const BadStretch& bad) { result.bad.push_back(bad); })
                      .value();
  return result;
}

TEST(SegmentScan, FindsEveryRecordAlsoBeyondItsWindow) {
  std::string bytes(sizeof(SegmentHeader), 'h');
  for (std::uint64_t sequence = 1; sequence <= 5; ++sequence) {
    bytes += RecordOf(3, bytes.size(), sequence, std::string(700'000 + sequence, 'p'));
  }
  const Scanned scanned = ScanOf(bytes, 3);
  EXPECT_EQ(scanned.sequences, (std::vector<std::uint64_t>{1, 2, 3, 4, 5}));
  EXPECT_TRUE(scanned.bad.empty());
  EXPECT_EQ(scanned.report.end, bytes.size());
  EXPECT_EQ(scanned.report.next_sequence, 6U);
}

TEST(SegmentScan, SkipsAnOverwrittenStretchAndGoesOnBehindIt) {
  std::string bytes(sizeof(SegmentHeader), 'h');
  std::vector<std::size_t> begins;
  for (std::uint64_t sequence = 1; sequence <= 6; ++sequence) {
    begins.push_back(bytes.size());
    bytes += RecordOf(3, bytes.size(), sequence, "payload " + std::to_string(sequence));
  }
  std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(begins[2]) + 3,
            bytes.begin() + static_cast<std::ptrdiff_t>(begins[4]) - 1, 'x');
  const Scanned scanned = ScanOf(bytes, 3);
  EXPECT_EQ(scanned.sequences, (std::vector<std::uint64_t>{1, 2, 5, 6}));
  ASSERT_EQ(scanned.bad.size(), 1U);
  EXPECT_EQ(scanned.bad[0].offset, begins[2]);
  EXPECT_EQ(scanned.bad[0].size_bytes, begins[4] - begins[2]);
  EXPECT_FALSE(scanned.bad[0].torn);
}

TEST(SegmentScan, TakesNoRecordOfAnotherSegmentPlaceOrTime) {
  const std::size_t begin = sizeof(SegmentHeader);
  std::string bytes(begin, 'h');
  bytes += RecordOf(3, begin, 2, "good");
  const std::string good = bytes;
  EXPECT_TRUE(ScanOf(good, 4).sequences.empty());
  bytes += RecordOf(3, begin, 3, "a record of another place");
  EXPECT_EQ(ScanOf(bytes, 3).sequences, std::vector<std::uint64_t>{2});
  bytes = good + RecordOf(3, good.size(), 1, "older than the one before it");
  const Scanned scanned = ScanOf(bytes, 3);
  EXPECT_EQ(scanned.sequences, std::vector<std::uint64_t>{2});
  ASSERT_EQ(scanned.bad.size(), 1U);
  EXPECT_TRUE(scanned.bad[0].torn);
}

TEST(SegmentNames, AreReadBackAndOthersRefused) {
  EXPECT_EQ(SegmentName(7), "segment-0000000007.log");
  EXPECT_EQ(SegmentOfName("segment-0000000007.log"), 7U);
  EXPECT_EQ(SegmentOfName("segment-4294967295.log"), 4294967295U);
  for (const char* name : {"segment-7.log", "segment-0000000007.tmp", "segment-9999999999.log",
                           "segment-00000000x7.log", "lock", ""}) {
    EXPECT_EQ(SegmentOfName(name), 0U) << name;
  }
}

Item ItemOf(std::uint64_t key, std::uint32_t place) {
  Item item;
  item.key = {key / 3, key};
  item.segment = 1 + place % 5;
  item.offset_units = place;
  item.payload_bytes = 10;
  return item;
}

TEST(DiskIndex, AgreesWithAMapOverRandomOperations) {
  Index index;
  std::map<Key, Item> model;
  core::SeededRng rng(11);
  for (std::uint32_t step = 0; step < 100'000; ++step) {
    const std::uint64_t key = rng.Below(4'000);
    const Item item = ItemOf(key, step);
    const auto before = model.find(item.key);
    switch (rng.Below(step % 20'000 < 10'000 ? 5 : 3)) {
      case 0: {
        const auto erased = index.Erase(item.key);
        ASSERT_EQ(erased.has_value(), before != model.end());
        if (before != model.end()) model.erase(before);
        break;
      }
      case 1: {
        const auto found = index.Find(item.key, true);
        ASSERT_EQ(found.has_value(), before != model.end());
        if (found) {
          ASSERT_TRUE(found->SamePlace(before->second));
        }
        break;
      }
      default: {
        const auto replaced = index.Insert(item);
        ASSERT_EQ(replaced.has_value(), before != model.end());
        model[item.key] = item;
      }
    }
    ASSERT_EQ(index.size(), model.size());
  }
  const auto in_segment = [](const Item& item) { return item.segment == 2; };
  const std::size_t erased = index.EraseWhere(in_segment).size();
  EXPECT_EQ(erased, std::erase_if(model, [&](const auto& one) { return in_segment(one.second); }));
  for (const auto& [key, item] : model) ASSERT_TRUE(index.Find(key, false)->SamePlace(item));
  EXPECT_EQ(index.size(), model.size());
}

TEST(DiskIndex, RemembersWhatWasReadUntilItIsPutAgain) {
  Index index;
  index.Insert(ItemOf(1, 1));
  index.Insert(ItemOf(2, 2));
  static_cast<void>(index.Find(ItemOf(2, 2).key, true));
  std::vector<Item> items;
  std::vector<bool> read;
  index.Collect([](const Item&) { return true; }, items, &read);
  ASSERT_EQ(items.size(), 2U);
  for (std::size_t i = 0; i < items.size(); ++i) EXPECT_EQ(read[i], items[i].key.low == 2);
  index.Insert(ItemOf(2, 3));
  items.clear();
  read.clear();
  index.Collect([](const Item&) { return true; }, items, &read);
  EXPECT_EQ(std::ranges::count(read, true), 0);
}

TEST(Checkpoint, GivesBackTheIndexAndThePlace) {
  CrashFs files;
  ASSERT_TRUE(files.MakeDirectories("/c"));
  Index index;
  for (std::uint32_t i = 0; i < 10'000; ++i) index.Insert(ItemOf(i, i));
  bool asked = false;
  const auto before_rename = [&]() -> Result<void> {
    asked = true;
    return {};
  };
  ASSERT_TRUE(WriteCheckpoint(files, "/c/p", index, {4, 640, 99}, before_rename));
  EXPECT_TRUE(asked);
  Index loaded;
  const LogPlace place = LoadCheckpoint(files, "/c/p", loaded).value();
  EXPECT_EQ(place.segment, 4U);
  EXPECT_EQ(place.offset, 640U);
  EXPECT_EQ(place.next_sequence, 99U);
  ASSERT_EQ(loaded.size(), index.size());
  for (std::uint32_t i = 0; i < 10'000; ++i) {
    ASSERT_TRUE(loaded.Find(ItemOf(i, i).key, false)->SamePlace(ItemOf(i, i)));
  }
}

TEST(Checkpoint, IsRefusedWhenAKeyStandsTwiceOrInTheWrongPart) {
  Index index;
  const std::vector<Item> twice = {ItemOf(1, 1), ItemOf(1, 2)};
  EXPECT_FALSE(index.LoadShard(Index::ShardOf(twice[0].key), twice));
  index.Clear();
  const std::vector<Item> one = {ItemOf(1, 1)};
  EXPECT_FALSE(index.LoadShard((Index::ShardOf(one[0].key) + 1) % Index::kShards, one));
  index.Clear();
  EXPECT_TRUE(index.LoadShard(Index::ShardOf(one[0].key), one));
  EXPECT_EQ(index.size(), 1U);
}

}  // namespace
}  // namespace assay::cache::disk
