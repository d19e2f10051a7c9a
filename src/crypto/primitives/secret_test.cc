#include "assay/crypto/secret.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <map>
#include <new>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "assay/core/file_system.h"

#include "temp_dir.h"

namespace {

// The block that a test watches, and what it held when it was freed.
void* g_watched = nullptr;
std::size_t g_watched_bytes = 0;
int g_freed_dirty = -1;  // -1: not freed yet, else how many bytes were not zero

void Watch(std::string_view bytes) {
  g_watched = const_cast<char*>(bytes.data());
  g_watched_bytes = bytes.size();
  g_freed_dirty = -1;
}

void Look(void* block) noexcept {
  if (block == nullptr || block != g_watched) return;
  const auto* const bytes = static_cast<const char*>(block);
  g_freed_dirty = static_cast<int>(
      std::count_if(bytes, bytes + g_watched_bytes, [](char c) { return c != 0; }));
  g_watched = nullptr;
}

}  // namespace

// NOLINTBEGIN(misc-new-delete-overloads): all forms that std::unique_ptr<char[]> may call
void* operator new[](std::size_t size) {
  void* const block = std::malloc(size);
  if (block == nullptr) std::abort();
  return block;
}
void operator delete[](void* block) noexcept {
  Look(block);
  std::free(block);
}
void operator delete[](void* block, std::size_t) noexcept {
  Look(block);
  std::free(block);
}
// NOLINTEND(misc-new-delete-overloads)

namespace assay::crypto {
namespace {

TEST(SecretBytes, AreWipedWhenTheyAreNoLongerNeeded) {
  {
    const SecretBytes secret = SecretBytes::Copy("a password of some length");
    Watch(secret.view());
  }
  EXPECT_EQ(g_freed_dirty, 0) << "bytes of the secret were left behind";
}

TEST(SecretBytes, AreWipedByClearAndByAssignment) {
  SecretBytes secret = SecretBytes::Copy("first secret");
  Watch(secret.view());
  secret = SecretBytes::Copy("second secret");
  EXPECT_EQ(g_freed_dirty, 0);
  Watch(secret.view());
  secret.Clear();
  EXPECT_EQ(g_freed_dirty, 0);
  EXPECT_TRUE(secret.empty());
}

TEST(SecretBytes, MoveWithoutLeavingACopy) {
  SecretBytes from = SecretBytes::Copy("secret");
  const char* const place = from.view().data();
  SecretBytes to = std::move(from);
  EXPECT_EQ(to.view().data(), place);
  EXPECT_EQ(to.view(), "secret");
  EXPECT_TRUE(from.empty());  // NOLINT(bugprone-use-after-move): what is tested
}

TEST(Wipe, ZeroesAllAndOnlyItsBytes) {
  std::string text = "keep SECRET keep";
  Wipe(std::span<char>(text).subspan(5, 6));
  EXPECT_EQ(text, std::string("keep ") + std::string(6, '\0') + " keep");
  Wipe({});
}

TEST(ConstantTimeEqual, ComparesLikeEquality) {
  EXPECT_TRUE(ConstantTimeEqual("", ""));
  EXPECT_TRUE(ConstantTimeEqual("abc", "abc"));
  EXPECT_FALSE(ConstantTimeEqual("abc", "abd"));
  EXPECT_FALSE(ConstantTimeEqual("abc", "xbc"));
  EXPECT_FALSE(ConstantTimeEqual("abc", "ab"));
  EXPECT_FALSE(ConstantTimeEqual("", "a"));
}

TEST(RandomText, IsUniformOverItsAlphabet) {
  const std::string text = RandomText(620'000);
  std::map<char, int> counts;
  for (const char c : text) ++counts[c];
  ASSERT_EQ(counts.size(), 62U);
  double chi_square = 0;
  for (const auto& [c, count] : counts) {
    EXPECT_TRUE(std::isalnum(static_cast<unsigned char>(c)));
    chi_square += (count - 10'000.0) * (count - 10'000.0) / 10'000.0;
  }
  // 61 degrees of freedom: beyond 140 in fewer than one of 10^7 runs. A modulo bias gives 3,000.
  EXPECT_LT(chi_square, 140.0);
  EXPECT_NE(RandomText(32), RandomText(32));
  EXPECT_EQ(RandomText(0), "");
  EXPECT_EQ(SecretBytes::RandomText(51).size(), 51U);
}

class SecretFileTest : public ::testing::Test {
 protected:
  assay::testing::TempDir dir_;
  std::string path_ = dir_.File("secret");
};

TEST_F(SecretFileTest, KeepsWhatWasWrittenWithMode0600) {
  ASSERT_TRUE(WriteSecretFile(path_, "one", IfExists::kFail));
  struct stat info = {};
  ASSERT_EQ(::stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777U, 0600U);
  EXPECT_EQ(ReadSecretFile(path_, 100)->view(), "one");
  EXPECT_EQ(WriteSecretFile(path_, "two", IfExists::kFail).error().code, Code::kAlreadyExists);
  EXPECT_EQ(ReadSecretFile(path_, 100)->view(), "one");
  ASSERT_TRUE(WriteSecretFile(path_, "two", IfExists::kReplace));
  EXPECT_EQ(ReadSecretFile(path_, 100)->view(), "two");
  EXPECT_EQ(core::FileSystem::Real().List(dir_.path())->size(), 1U) << "a temporary file is left";
}

TEST_F(SecretFileTest, RefusesEveryModeThatLetsOthersIn) {
  ASSERT_TRUE(WriteSecretFile(path_, "secret", IfExists::kFail));
  for (unsigned mode = 0; mode < 0100; ++mode) {
    ASSERT_EQ(::chmod(path_.c_str(), 0600 | mode), 0);
    const auto read = ReadSecretFile(path_, 100);
    ASSERT_EQ(read.has_value(), mode == 0) << mode;
    if (!read) {
      EXPECT_EQ(read.error().code, Code::kFailedPrecondition);
      EXPECT_NE(read.error().message.find("chmod 600"), std::string::npos);
    }
  }
  ASSERT_EQ(::chmod(path_.c_str(), 0400), 0);
  EXPECT_TRUE(ReadSecretFile(path_, 100));
}

TEST_F(SecretFileTest, RefusesWhatIsNoFileOrTooLarge) {
  EXPECT_EQ(ReadSecretFile(path_, 100).error().code, Code::kNotFound);
  EXPECT_EQ(ReadSecretFile(dir_.path(), 100).error().code, Code::kInvalidArgument);
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  EXPECT_EQ(ReadSecretFile(path_, 100).error().code, Code::kInvalidArgument);
  const std::string large = dir_.File("large");
  ASSERT_TRUE(WriteSecretFile(large, std::string(101, 'x'), IfExists::kFail));
  EXPECT_EQ(ReadSecretFile(large, 100).error().code, Code::kOutOfRange);
  EXPECT_EQ(WriteSecretFile(dir_.File("no/such"), "x", IfExists::kFail).error().code,
            Code::kNotFound);
}

}  // namespace
}  // namespace assay::crypto
