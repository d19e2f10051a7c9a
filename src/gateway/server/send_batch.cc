#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "assay/core/check.h"

#include "send_batch_internal.h"

namespace assay::gateway {
namespace {

// A place in the memory that is shared with the kernel.
template <typename T>
T* At(void* base, std::size_t offset) {
  return reinterpret_cast<T*>(static_cast<char*>(base) + offset);
}

}  // namespace

// The two queues of an io_uring (io_uring(7)). Two system calls are all that is needed of it.
struct SendBatch::Ring {
  Ring() = default;
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;
  ~Ring() {
    if (queues != MAP_FAILED) ::munmap(queues, queues_bytes);
    if (entries != MAP_FAILED) ::munmap(entries, entries_bytes);
    if (fd >= 0) ::close(fd);
  }

  bool Open() {
    io_uring_params params{};
    fd = static_cast<int>(::syscall(SYS_io_uring_setup, kMaxSends, &params));
    // Both queues in one mapping: since Linux 5.4.
    if (fd < 0 || (params.features & IORING_FEAT_SINGLE_MMAP) == 0) return false;
    queues_bytes = std::max(params.cq_off.cqes + params.cq_entries * sizeof(io_uring_cqe),
                            params.sq_off.array + params.sq_entries * sizeof(std::uint32_t));
    entries_bytes = params.sq_entries * sizeof(io_uring_sqe);
    constexpr int kAccess = PROT_READ | PROT_WRITE;
    queues = ::mmap(nullptr, queues_bytes, kAccess, MAP_SHARED, fd, IORING_OFF_SQ_RING);
    entries = ::mmap(nullptr, entries_bytes, kAccess, MAP_SHARED, fd, IORING_OFF_SQES);
    if (queues == MAP_FAILED || entries == MAP_FAILED) return false;
    submit_tail = At<std::uint32_t>(queues, params.sq_off.tail);
    submit_places = At<std::uint32_t>(queues, params.sq_off.array);
    submit_mask = *At<std::uint32_t>(queues, params.sq_off.ring_mask);
    done_head = At<std::uint32_t>(queues, params.cq_off.head);
    done_tail = At<std::uint32_t>(queues, params.cq_off.tail);
    done_mask = *At<std::uint32_t>(queues, params.cq_off.ring_mask);
    done = At<io_uring_cqe>(queues, params.cq_off.cqes);
    return true;
  }

  int fd = -1;
  void* queues = MAP_FAILED;
  void* entries = MAP_FAILED;
  std::size_t queues_bytes = 0;
  std::size_t entries_bytes = 0;
  std::uint32_t* submit_tail = nullptr;
  std::uint32_t* submit_places = nullptr;
  std::uint32_t submit_mask = 0;
  std::uint32_t* done_head = nullptr;
  std::uint32_t* done_tail = nullptr;
  std::uint32_t done_mask = 0;
  io_uring_cqe* done = nullptr;
};

SendBatch::SendBatch(std::unique_ptr<Ring> ring) : ring_(std::move(ring)) {}
SendBatch::~SendBatch() = default;

std::unique_ptr<SendBatch> SendBatch::Open() {
  auto ring = std::make_unique<Ring>();
  if (!ring->Open()) return nullptr;
  return std::unique_ptr<SendBatch>(new SendBatch(std::move(ring)));
}

void SendBatch::Add(int fd, std::string_view bytes) {
  ASSAY_CHECK(count_ < kMaxSends);
  const std::uint32_t tail = *ring_->submit_tail + static_cast<std::uint32_t>(count_);
  const std::uint32_t place = tail & ring_->submit_mask;
  io_uring_sqe& entry = static_cast<io_uring_sqe*>(ring_->entries)[place];
  std::memset(&entry, 0, sizeof entry);
  entry.opcode = IORING_OP_SEND;
  entry.fd = fd;
  entry.addr = reinterpret_cast<std::uintptr_t>(bytes.data());
  entry.len = static_cast<std::uint32_t>(std::min<std::size_t>(bytes.size(), INT32_MAX));
  entry.msg_flags = MSG_DONTWAIT | MSG_NOSIGNAL;  // so that each is done when the call returns
  entry.user_data = count_;
  ring_->submit_places[place] = place;
  results_[count_++] = -EAGAIN;
}

std::span<const int> SendBatch::Submit() {
  std::size_t to_submit = count_;
  std::size_t open = count_;
  // Partner: the kernel, which reads the entries before this tail.
  std::atomic_ref(*ring_->submit_tail)
      .store(*ring_->submit_tail + static_cast<std::uint32_t>(count_), std::memory_order_release);
  while (open > 0 && healthy_) {
    const long entered = ::syscall(SYS_io_uring_enter, ring_->fd, to_submit, open,
                                   IORING_ENTER_GETEVENTS, nullptr, 0);
    if (entered >= 0) to_submit -= static_cast<std::size_t>(entered);
    if (entered < 0 && errno != EINTR) healthy_ = false;
    std::uint32_t head = *ring_->done_head;
    // Partner: the kernel, which writes the results before this tail.
    const std::uint32_t tail = std::atomic_ref(*ring_->done_tail).load(std::memory_order_acquire);
    for (; head != tail; ++head, --open) {
      const io_uring_cqe& one = ring_->done[head & ring_->done_mask];
      results_[one.user_data] = one.res;
    }
    // Partner: the kernel, which may write there again.
    std::atomic_ref(*ring_->done_head).store(head, std::memory_order_release);
  }
  return std::span(results_).first(std::exchange(count_, 0));
}

}  // namespace assay::gateway
