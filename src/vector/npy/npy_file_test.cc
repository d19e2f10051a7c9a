// .npy files as numpy.lib.format describes them, whole and wrong in every way.
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "assay/vector/npy.h"

namespace assay::vector {
namespace {

template <typename T>
std::string Npy(const std::string& header, const std::vector<T>& values, char major = 1) {
  std::string padded = header;
  while ((10 + padded.size() + 1) % 64 != 0) padded += ' ';
  padded += '\n';
  std::string bytes = "\x93NUMPY";
  bytes += major;
  bytes += '\0';
  bytes += static_cast<char>(padded.size() & 255U);
  bytes += static_cast<char>(padded.size() >> 8U);
  if (major > 1) bytes += std::string(2, '\0');
  bytes += padded;
  bytes.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
  return bytes;
}

std::string Header(const std::string& type, const std::string& shape, bool fortran = false) {
  return "{'descr': '" + type + "', 'fortran_order': " + (fortran ? "True" : "False") +
         ", 'shape': " + shape + ", }";
}

std::string MessageOf(const std::string& bytes) {
  const auto file = NpyFile::FromBytes(bytes);
  return file ? "" : file.error().message;
}

TEST(NpyFileTest, ReadsEveryKindOfNumber) {
  const std::string floats = Npy<float>(Header("<f4", "(2, 3)"), {1, 2, 3, 4, 5, 6.5F});
  const auto file = NpyFile::FromBytes(floats);
  ASSERT_TRUE(file.has_value());
  EXPECT_EQ(file->rows(), 2U);
  EXPECT_EQ(file->dim(), 3U);
  EXPECT_EQ(*file->ToFloats(), (std::vector<float>{1, 2, 3, 4, 5, 6.5F}));
  EXPECT_FALSE(file->ToIntegers().has_value());
  const std::string doubles = Npy<double>(Header("<f8", "(2,)"), {0.5, -3}, 2);
  EXPECT_EQ(*NpyFile::FromBytes(doubles)->ToFloats(), (std::vector<float>{0.5F, -3}));
  const std::string halves =
      Npy<std::uint16_t>(Header("<f2", "(4, 1)"), {0x3C00, 0xC100, 0x0001, 0x7C00});
  EXPECT_EQ(*NpyFile::FromBytes(halves)->ToFloats(),
            (std::vector<float>{1, -2.5F, 0x1p-24F, std::numeric_limits<float>::infinity()}));
  const std::string longs = Npy<std::int64_t>(Header("<i8", "(1, 2)"), {-7, 1LL << 40});
  EXPECT_EQ(*NpyFile::FromBytes(longs)->ToIntegers(), (std::vector<std::int64_t>{-7, 1LL << 40}));
  EXPECT_FALSE(NpyFile::FromBytes(longs)->ToFloats().has_value());
  const std::string ints = Npy<std::int32_t>(Header("<i4", "(2,)"), {-7, 9});
  EXPECT_EQ(*NpyFile::FromBytes(ints)->ToIntegers(), (std::vector<std::int64_t>{-7, 9}));
}

TEST(NpyFileTest, SaysWhatIsWrong) {
  const std::vector<float> six(6);
  EXPECT_NE(MessageOf("PK\3\4").find("not a .npy file"), std::string::npos);
  EXPECT_NE(MessageOf(Npy(Header(">f4", "(6,)"), six)).find("'>f4'"), std::string::npos);
  EXPECT_NE(MessageOf(Npy(Header("<f4", "(2, 3)", true), six)).find("Fortran"), std::string::npos);
  EXPECT_NE(MessageOf(Npy(Header("<f4", "(1, 2, 3)"), six)).find("3 dimensions"),
            std::string::npos);
  EXPECT_NE(MessageOf(Npy(Header("<f4", "()"), six)).find("0 dimensions"), std::string::npos);
  EXPECT_NE(MessageOf(Npy(Header("<f4", "(7,)"), six)).find("is it cut?"), std::string::npos);
  EXPECT_NE(MessageOf(Npy(Header("<f4", "(9223372036854775807, 4)"), six)).find("is it cut?"),
            std::string::npos);
  EXPECT_NE(MessageOf(Npy(Header("<f4", "(-1, 4)"), six)).find("shape"), std::string::npos);
  EXPECT_NE(MessageOf(Npy(Header("<f4", "(2, 3"), six)).find("shape"), std::string::npos);
  EXPECT_NE(MessageOf(Npy(std::string("{}"), six)).find("no type"), std::string::npos);
  EXPECT_NE(MessageOf(Npy(Header("<f4", "(6,)"), six, 9)).find("format 9"), std::string::npos);
  const std::string whole = Npy(Header("<f4", "(2, 3)"), six);
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_FALSE(NpyFile::FromBytes(std::string_view(whole).substr(0, length)).has_value());
  }
}

TEST(NpyFileTest, NamesTheRowOfANumberThatIsNotFinite) {
  std::vector<float> values(12);
  EXPECT_TRUE(CheckFinite(values, 4).has_value());
  values[6] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_NE(CheckFinite(values, 4).error().message.find("value 2 of row 1 is nan"),
            std::string::npos);
}

}  // namespace
}  // namespace assay::vector
