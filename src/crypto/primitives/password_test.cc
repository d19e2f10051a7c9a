#include "assay/crypto/password.h"

#include <cstdio>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "primitives/vectors_test_support.h"

namespace assay::crypto {
namespace {

constexpr Argon2Params kQuick = {.memory_kib = 64, .passes = 1};
constexpr std::string_view kSalt = "sixteen bytes ok";

Argon2Input Input(std::string_view password, std::string_view salt = kSalt) {
  return {.password = password, .salt = salt, .secret = {}, .associated = {}};
}

// RFC 9106, 5.3.
TEST(Argon2id, AgreesWithTheRfc) {
  const auto hash = Argon2id({.password = std::string(32, 1),
                              .salt = std::string(16, 2),
                              .secret = std::string(8, 3),
                              .associated = std::string(12, 4)},
                             {.memory_kib = 32, .passes = 3, .lanes = 4, .hash_bytes = 32});
  ASSERT_TRUE(hash);
  EXPECT_EQ(testing::ToHex(hash->view()),
            "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659");
}

// The reference implementation's own account of a hash: its inputs, and the tag at the end.
TEST(Argon2id, AgreesWithTheReferenceVectors) {
  ASSAY_NEED_DATA("argon2/argon2id.txt", file);
  const auto field = [&](const std::string& name) {
    const std::size_t at = file.find("\n" + name);
    EXPECT_NE(at, std::string::npos) << name;
    const std::size_t begin = file.find(": ", at) + 2;
    return file.substr(begin, file.find('\n', begin) - begin);
  };
  unsigned memory = 0;
  unsigned passes = 0;
  unsigned lanes = 0;
  unsigned size = 0;
  // NOLINTNEXTLINE(cert-err34-c): the file is known
  ASSERT_EQ(std::sscanf(file.c_str() + file.find("Memory:"),
                        "Memory: %u KiB, Iterations: %u, Parallelism: %u lanes, Tag length: %u",
                        &memory, &passes, &lanes, &size),
            4);
  const auto hash = Argon2id({.password = testing::FromHex(field("Password")),
                              .salt = testing::FromHex(field("Salt")),
                              .secret = testing::FromHex(field("Secret")),
                              .associated = testing::FromHex(field("Associated data"))},
                             {memory, passes, lanes, size});
  ASSERT_TRUE(hash);
  EXPECT_EQ(testing::ToHex(hash->view()), testing::ToHex(testing::FromHex(field("Tag"))));
}

TEST(Argon2id, BothLibrariesAgree) {
  for (const Argon2Params& params :
       {Argon2Params{.memory_kib = 8, .passes = 1}, Argon2Params{.memory_kib = 64, .passes = 3},
        Argon2Params{.memory_kib = 1000, .passes = 2, .lanes = 1, .hash_bytes = 64}}) {
    const auto sodium = Argon2id(Input("password"), params, Argon2Library::kSodium);
    const auto argon2 = Argon2id(Input("password"), params, Argon2Library::kArgon2);
    ASSERT_TRUE(sodium);
    ASSERT_TRUE(argon2);
    EXPECT_EQ(testing::ToHex(sodium->view()), testing::ToHex(argon2->view()));
  }
}

TEST(Argon2id, TakesTheOtherLibraryForWhatLibsodiumLacks) {
  const std::vector<std::pair<Argon2Input, Argon2Params>> cases = {
      {Input("p", "8 bytes!"), kQuick},
      {Input("p"), {.memory_kib = 64, .passes = 1, .lanes = 2}},
      {Input("p"), {.memory_kib = 64, .passes = 1, .lanes = 1, .hash_bytes = 4}},
      {{.password = "p", .salt = kSalt, .secret = "s", .associated = {}}, kQuick},
  };
  std::set<std::string> hashes;
  for (const auto& [input, params] : cases) {
    EXPECT_EQ(Argon2id(input, params, Argon2Library::kSodium).error().code, Code::kInvalidArgument);
    const auto hash = Argon2id(input, params);
    ASSERT_TRUE(hash);
    EXPECT_TRUE(hashes.insert(std::string(hash->view())).second);
  }
}

TEST(Argon2id, RefusesWhatIsOutOfBounds) {
  for (const Argon2Params& params :
       {Argon2Params{.memory_kib = 7}, Argon2Params{.memory_kib = (1U << 21) + 1},
        Argon2Params{.passes = 0}, Argon2Params{.passes = 1001}, Argon2Params{.lanes = 0},
        Argon2Params{.lanes = 65}, Argon2Params{.memory_kib = 31, .lanes = 4},
        Argon2Params{.hash_bytes = 3}, Argon2Params{.hash_bytes = 1025}}) {
    EXPECT_EQ(Argon2id(Input("p"), params).error().code, Code::kOutOfRange);
  }
  EXPECT_EQ(Argon2id(Input("p", "short"), kQuick).error().code, Code::kOutOfRange);
  EXPECT_EQ(Argon2id(Input(std::string(70'000, 'p')), kQuick).error().code, Code::kOutOfRange);
}

TEST(Argon2id, BatchesAgreeWithSingleCalls) {
  std::vector<std::string> passwords;
  for (int i = 0; i < 20; ++i) passwords.push_back(std::to_string(i));
  std::vector<Argon2Input> inputs;
  for (const std::string& password : passwords) inputs.push_back(Input(password));
  const auto hashes = Argon2idBatch(inputs, kQuick);
  ASSERT_TRUE(hashes);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    EXPECT_EQ((*hashes)[i].view(), Argon2id(inputs[i], kQuick)->view());
  }
  inputs[3].salt = "short";
  EXPECT_EQ(Argon2idBatch(inputs, kQuick).error().code, Code::kOutOfRange);
}

TEST(Password, IsVerifiedByItsHashAlone) {
  const auto hash = HashPassword("correct horse", kQuick);
  ASSERT_TRUE(hash);
  EXPECT_TRUE(*VerifyPassword("correct horse", *hash));
  EXPECT_FALSE(*VerifyPassword("correct horsf", *hash));
  EXPECT_FALSE(*VerifyPassword("", *hash));
  EXPECT_NE(*hash, *HashPassword("correct horse", kQuick)) << "the salt is not random";
}

TEST(Password, BatchesHashEachPasswordWithItsOwnSalt) {
  const std::vector<std::string_view> passwords = {"a", "b", "a"};
  const auto hashes = HashPasswords(passwords, kQuick);
  ASSERT_TRUE(hashes);
  for (std::size_t i = 0; i < passwords.size(); ++i) {
    EXPECT_TRUE(*VerifyPassword(passwords[i], (*hashes)[i]));
  }
  EXPECT_NE((*hashes)[0], (*hashes)[2]);
}

// Made by argon2-cffi 25.1.0: argon2.low_level.hash_secret(b"password", b"somesaltsomesalt", 2,
// 19456, 1, 32, Type.ID).
TEST(Password, ReadsWhatOthersWrote) {
  constexpr std::string_view kHash =
      "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$K13EBUiG7JV+"
      "9ZxztmHFTdb7J0WQsnj2V8bZaqyPptE";
  const auto good = VerifyPassword("password", kHash);
  ASSERT_TRUE(good) << good.error().message;
  EXPECT_TRUE(*good);
}

TEST(Password, HashIsSpelledInOneWay) {
  const std::string hash = *HashPassword("p", kQuick);
  const auto parsed = ParsePasswordHash(hash);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(FormatPasswordHash(*parsed), hash);
  EXPECT_EQ(parsed->params, kQuick);
  const std::string good = "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$c29tZWhhc2g";
  ASSERT_TRUE(ParsePasswordHash(good));
  for (const std::string_view bad :
       {"", "$argon2id$", "$argon2i$v=19$m=64,t=1,p=1$c29tZXNhbHQ$c29tZWhhc2g",
        "$argon2id$v=16$m=64,t=1,p=1$c29tZXNhbHQ$c29tZWhhc2g",
        "$argon2id$v=19$t=1,m=64,p=1$c29tZXNhbHQ$c29tZWhhc2g",
        "$argon2id$v=19$m=064,t=1,p=1$c29tZXNhbHQ$c29tZWhhc2g",
        "$argon2id$v=19$m=+64,t=1,p=1$c29tZXNhbHQ$c29tZWhhc2g",
        "$argon2id$v=19$m=64,t=1,p=1,x=2$c29tZXNhbHQ$c29tZWhhc2g",
        "$argon2id$v=19$m=64,t=1$c29tZXNhbHQ$c29tZWhhc2g",
        "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ=$c29tZWhhc2g",
        "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHR$c29tZWhhc2g",
        "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$c29tZWhhc2\xe7",
        "$argon2id$v=19$m=64,t=1,p=1$c2E$c29tZWhhc2g",
        "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$c29tZWhhc2g\n",
        "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$c29tZWhhc2g$x"}) {
    const auto refused = ParsePasswordHash(bad);
    ASSERT_FALSE(refused) << bad;
    EXPECT_EQ(refused.error().code, Code::kInvalidArgument) << bad;
  }
  const auto huge =
      ParsePasswordHash("$argon2id$v=19$m=4294967295,t=1,p=1$c29tZXNhbHQ$c29tZWhhc2g");
  EXPECT_EQ(huge.error().code, Code::kOutOfRange);
  const auto no_hash = ParsePasswordHash("$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ");
  EXPECT_EQ(no_hash.error().code, Code::kOutOfRange);
}

}  // namespace
}  // namespace assay::crypto
