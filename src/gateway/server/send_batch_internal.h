// Sends to many sockets by one system call (io_uring).
// Why: each send wakes its receiver, and on a busy processor the scheduler may prefer the receiver
// at once. Then every answer costs two switches; by one call all leave before anybody runs.
// Threads: one at a time.
#pragma once
#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

namespace assay::gateway {

class SendBatch {
 public:
  static constexpr std::size_t kMaxSends = 64;

  // Null where the system has no io_uring or forbids it.
  [[nodiscard]] static std::unique_ptr<SendBatch> Open();
  ~SendBatch();
  SendBatch(const SendBatch&) = delete;
  SendBatch& operator=(const SendBatch&) = delete;

  // At most kMaxSends before a Submit; `bytes` must live until then.
  void Add(int fd, std::string_view bytes);
  // Sends what was added, without waiting. Returns for each, in the order of Add, how many bytes
  // went, or a negative errno (-EAGAIN: the socket takes nothing now); valid until the next Add.
  [[nodiscard]] std::span<const int> Submit();
  // False after the system refused a Submit: not to be used again. What did not go is -EAGAIN.
  [[nodiscard]] bool healthy() const { return healthy_; }

 private:
  struct Ring;
  explicit SendBatch(std::unique_ptr<Ring> ring);

  std::unique_ptr<Ring> ring_;
  std::array<int, kMaxSends> results_{};
  std::size_t count_ = 0;
  bool healthy_ = true;
};

}  // namespace assay::gateway
