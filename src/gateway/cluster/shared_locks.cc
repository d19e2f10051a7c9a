#include <algorithm>
#include <mutex>
#include <set>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "assay/core/clock.h"

#include "cluster/shared_locks_internal.h"

namespace assay::gateway {
namespace {

// KEYS: the entry, its lock. ARGV: the token, the lease in ms.
constexpr std::string_view kTake = R"(
if redis.call('EXISTS', KEYS[1]) == 1 then return {'stored', ''} end
if redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2]) then return {'mine', ''} end
return {'held', redis.call('GET', KEYS[2])})";

// KEYS: the lock. ARGV: the token, and of kRenew the lease in ms. 1: it was still the holder's.
constexpr std::string_view kGiveBack = R"(
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1]))";
constexpr std::string_view kRenew = R"(
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2]))";

constexpr std::int64_t kRenewals = 3;  // of a lease, before it would end

std::string NewToken() {
  core::Rng& rng = core::Rng::Real();
  return fmt::format("{:016x}{:016x}", rng.NextU64(), rng.NextU64());
}

}  // namespace

// What leases know of the locks, and find closed when those are gone.
class SharedLocks::Board : public std::enable_shared_from_this<Board> {
 public:
  Board(ScriptRunner& runner, std::int64_t lasting_ms) : lease_ms(lasting_ms), runner_(&runner) {}

  void Close() {
    const std::scoped_lock lock(mutex_);
    runner_ = nullptr;
  }
  void Add(const Lease* lease) {
    const std::scoped_lock lock(mutex_);
    leases_.insert(lease);
  }
  void GiveBack(const Lease* lease);
  void RenewAll();

  const std::int64_t lease_ms;
  // Figures only; they order nothing.
  std::atomic<std::uint64_t> taken{0};
  std::atomic<std::uint64_t> answered{0};
  std::atomic<std::uint64_t> held{0};
  std::atomic<std::uint64_t> failed{0};
  std::atomic<std::uint64_t> given_up{0};

 private:
  std::mutex mutex_;  // guards what follows; the runner's is taken after it
  ScriptRunner* runner_;
  std::set<const Lease*> leases_;
};

class SharedLocks::Lease {
 public:
  Lease(std::shared_ptr<Board> board, std::string name, std::string token)
      : name_(std::move(name)), token_(std::move(token)), board_(std::move(board)) {
    board_->Add(this);
  }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  ~Lease() { board_->GiveBack(this); }

  [[nodiscard]] ScriptRunner::Call Renewal() const {
    return {kRenew, {name_}, {token_, std::to_string(board_->lease_ms)}};
  }
  [[nodiscard]] ScriptRunner::Call Return() const { return {kGiveBack, {name_}, {token_}}; }

 private:
  const std::string name_;
  const std::string token_;
  const std::shared_ptr<Board> board_;
};

void SharedLocks::Board::GiveBack(const Lease* lease) {
  const std::scoped_lock lock(mutex_);
  leases_.erase(lease);
  if (runner_ != nullptr) runner_->Run(lease->Return(), nullptr);
}

void SharedLocks::Board::RenewAll() {
  const std::scoped_lock lock(mutex_);
  if (runner_ == nullptr) return;
  for (const Lease* lease : leases_) runner_->Run(lease->Renewal(), nullptr);
}

SharedLocks::SharedLocks(ScriptRunner& runner, std::int64_t lease_ms)
    : board_(std::make_shared<Board>(runner, lease_ms)), runner_(runner) {
  runner.Every(std::max<std::int64_t>(1, lease_ms / kRenewals),
               [board = board_] { board->RenewAll(); });
}

SharedLocks::~SharedLocks() {
  board_->Close();
}

void SharedLocks::Try(const core::Hash128& key, std::function<void(Turn)> done) {
  const cache::RedisTier& redis = runner_.redis();
  std::string token = NewToken();
  std::string name = redis.NameBeside(key, "lock");
  ScriptRunner::Call call = {
      kTake, {redis.NameOf(key), name}, {token, std::to_string(board_->lease_ms)}};
  runner_.Run(std::move(call), [board = board_, name = std::move(name), token = std::move(token),
                                done = std::move(done)](ScriptRunner::Reply reply) mutable {
    Turn turn;
    if (reply && reply->size() == 2) {
      const std::string& said = reply->front();
      if (said == "mine") {
        ++board->taken;
        turn.state = State::kMine;
        turn.lease = std::make_shared<Lease>(board, std::move(name), std::move(token));
      } else if (said == "stored") {
        ++board->answered;
        turn.state = State::kStored;
      } else if (said == "held") {
        ++board->held;
        turn.state = State::kHeld;
        turn.holder = std::move(reply->back());
      }
    }
    if (turn.state == State::kUnknown) ++board->failed;
    done(std::move(turn));
  });
}

void SharedLocks::NoteGivenUp() {
  ++board_->given_up;
}

SharedLockStats SharedLocks::Stats() const {
  return {.taken = board_->taken,
          .answered = board_->answered,
          .held = board_->held,
          .failed = board_->failed,
          .given_up = board_->given_up};
}

}  // namespace assay::gateway
