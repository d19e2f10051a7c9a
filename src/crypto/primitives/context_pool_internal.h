// context_pool_internal.h: cipher and MAC contexts that are kept between messages.
// Room: crypto.  Threads: safe. A thread finds the context that it used last, still in its caches.
#pragma once
#include <array>
#include <atomic>
#include <cstddef>
#include <utility>

namespace assay::crypto {

// A small number per thread, to spread threads over slots.
inline std::size_t ThreadNumber() {
  static std::atomic<std::size_t> next{0};  // unique numbers only; orders nothing
  thread_local const std::size_t number = next.fetch_add(1, std::memory_order_relaxed);
  return number;
}

// Up to kSlots idle contexts; where a slot is empty a new context is made, where it is full the
// one that comes back is freed.
template <typename Context, void (*Free)(Context*)>
class ContextPool {
 public:
  static constexpr std::size_t kSlots = 16;

  ContextPool() = default;
  ContextPool(const ContextPool&) = delete;
  ContextPool& operator=(const ContextPool&) = delete;
  ~ContextPool() {
    for (Slot& slot : slots_) {
      if (Context* context = slot.context.load(std::memory_order_acquire)) Free(context);
    }
  }

  // A context that belongs to the caller until the lease ends.
  class Lease {
   public:
    Lease(ContextPool& pool, std::size_t slot, Context* context)
        : pool_(&pool), slot_(slot), context_(context) {}
    Lease(Lease&& other) noexcept
        : pool_(other.pool_),
          slot_(other.slot_),
          context_(std::exchange(other.context_, nullptr)) {}
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
      if (context_ != nullptr) pool_->Return(slot_, context_);
    }
    [[nodiscard]] Context* get() const { return context_; }

   private:
    ContextPool* pool_;
    std::size_t slot_;
    Context* context_;
  };

  // `make` returns a new context.
  template <typename Make>
  [[nodiscard]] Lease Take(Make&& make) {
    const std::size_t slot = ThreadNumber() % kSlots;
    // Acquire: pairs with the release in Return; the context's bytes are those its last user left.
    Context* context = slots_[slot].context.exchange(nullptr, std::memory_order_acquire);
    return Lease(*this, slot, context != nullptr ? context : make());
  }

 private:
  struct alignas(64) Slot {
    std::atomic<Context*> context{nullptr};
  };

  void Return(std::size_t slot, Context* context) {
    Context* const other = slots_[slot].context.exchange(context, std::memory_order_acq_rel);
    if (other != nullptr) Free(other);
  }

  std::array<Slot, kSlots> slots_;
};

}  // namespace assay::crypto
