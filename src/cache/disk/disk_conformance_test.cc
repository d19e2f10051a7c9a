// The disk tier under the tests of every tier: on the real disk, on the one in memory, compressed.
#include <memory>
#include <utility>

#include <gtest/gtest.h>

#include "assay/cache/disk_tier.h"
#include "assay/crypto/aead.h"
#include "assay/crypto/key_ring.h"

#include "conformance/tier_conformance.h"
#include "crash_fs.h"
#include "fake_clock.h"
#include "temp_dir.h"

namespace assay::cache::testing {
namespace {

using assay::testing::CrashFs;
using assay::testing::FakeClock;
using assay::testing::TempDir;

class DiskUnderTest final : public TierUnderTest {
 public:
  DiskUnderTest(std::shared_ptr<core::FileSystem> own_files, DiskOptions options)
      : own_files_(std::move(own_files)), options_(std::move(options)) {
    options_.folder = folder_.File("cache");
    options_.clock = &clock_;
    OpenTier();
  }
  Tier& tier() override { return *tier_; }
  void Reopen() override {
    tier_.reset();
    OpenTier();
  }

 private:
  void OpenTier() {
    core::FileSystem& files = own_files_ ? *own_files_ : core::FileSystem::Real();
    auto opened = DiskTier::Open(files, options_);
    ASSERT_TRUE(opened) << opened.error().message;
    tier_ = *std::move(opened);
  }

  TempDir folder_;
  FakeClock clock_;  // stands at 0, so that only the test decides what is expired
  std::shared_ptr<core::FileSystem> own_files_;
  DiskOptions options_;
  std::unique_ptr<DiskTier> tier_;
};

std::unique_ptr<TierUnderTest> OpenReal() {
  return std::make_unique<DiskUnderTest>(nullptr, DiskOptions{});
}

// Small segments without threads: much collecting, in a way that repeats.
std::unique_ptr<TierUnderTest> OpenSmallSegments() {
  return std::make_unique<DiskUnderTest>(
      nullptr, DiskOptions{.segment_bytes = std::uint64_t{2} << 20, .background = false});
}

std::unique_ptr<TierUnderTest> OpenCompressed() {
  return std::make_unique<DiskUnderTest>(std::make_shared<CrashFs>(),
                                         DiskOptions{.compress_from_bytes = 0});
}

std::unique_ptr<TierUnderTest> OpenSealed() {
  DiskOptions options;
  options.sealer = std::make_shared<const crypto::Sealer>(
      crypto::Sealer::Create(crypto::KeyRing::Generate(), "cache").value());
  return std::make_unique<DiskUnderTest>(std::make_shared<CrashFs>(), options);
}

constexpr std::uint64_t kFewOperations = 20'000;

INSTANTIATE_TEST_SUITE_P(
    Disk, TierConformance,
    ::testing::Values(TierCase{.name = "disk", .open = &OpenReal, .durable = true},
                      TierCase{.name = "disk_small_segments",
                               .open = &OpenSmallSegments,
                               .durable = true,
                               .operations = kFewOperations},
                      TierCase{.name = "disk_compressed",
                               .open = &OpenCompressed,
                               .durable = true,
                               .operations = kFewOperations},
                      TierCase{.name = "disk_sealed",
                               .open = &OpenSealed,
                               .durable = true,
                               .operations = kFewOperations}),
    &NameOfTierCase);

}  // namespace
}  // namespace assay::cache::testing
