#include <array>
#include <cerrno>
#include <string>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/send_batch_internal.h"

namespace assay::gateway {
namespace {

struct Pair {
  Pair() { EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds.data()), 0); }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;
  ~Pair() {
    ::close(fds[0]);
    if (fds[1] >= 0) ::close(fds[1]);
  }

  std::string Received() const {
    std::string bytes(1 << 20, '\0');
    const ssize_t got = ::recv(fds[1], bytes.data(), bytes.size(), MSG_DONTWAIT);
    bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return bytes;
  }

  std::array<int, 2> fds{};
};

class SendBatchTest : public testing::Test {
 protected:
  void SetUp() override {
    if (batch_ == nullptr) GTEST_SKIP() << "this system has no io_uring, or forbids it";
  }
  std::unique_ptr<SendBatch> batch_ = SendBatch::Open();
};

TEST_F(SendBatchTest, EachSocketGetsItsOwnBytesRoundAfterRound) {
  std::array<Pair, SendBatch::kMaxSends> pairs;
  for (std::size_t round = 1; round <= 100; ++round) {
    const std::size_t count = round % pairs.size() + 1;
    std::array<std::string, SendBatch::kMaxSends> texts;
    for (std::size_t i = 0; i < count; ++i) {
      texts[i] = "round " + std::to_string(round) + ", socket " + std::to_string(i);
      batch_->Add(pairs[i].fds[0], texts[i]);
    }
    const auto sent = batch_->Submit();
    ASSERT_EQ(sent.size(), count);
    for (std::size_t i = 0; i < count; ++i) {
      EXPECT_EQ(sent[i], static_cast<int>(texts[i].size()));
      EXPECT_EQ(pairs[i].Received(), texts[i]);
    }
  }
  EXPECT_TRUE(batch_->healthy());
}

TEST_F(SendBatchTest, AFullSocketAndAClosedPeerHoldNobodyUp) {
  Pair full;
  Pair closed;
  Pair good;
  const std::string block(64 << 10, 'x');
  while (::send(full.fds[0], block.data(), block.size(), MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
  }
  ::close(std::exchange(closed.fds[1], -1));
  batch_->Add(full.fds[0], "late");
  batch_->Add(closed.fds[0], "nobody");
  batch_->Add(good.fds[0], "good");
  const auto sent = batch_->Submit();
  EXPECT_EQ(sent[0], -EAGAIN);
  EXPECT_EQ(sent[1], -EPIPE);
  EXPECT_EQ(sent[2], 4);
  EXPECT_EQ(good.Received(), "good");
  EXPECT_TRUE(batch_->healthy());
}

TEST_F(SendBatchTest, WhatASocketTakesOfALongTextIsCounted) {
  Pair pair;
  const std::string text(64 << 20, 'y');
  batch_->Add(pair.fds[0], text);
  const int sent = batch_->Submit()[0];
  EXPECT_GT(sent, 0);
  EXPECT_LT(sent, static_cast<int>(text.size()));
}

}  // namespace
}  // namespace assay::gateway
