// A queue in memory, a thread that writes it in batches, and connections for reading.
#include "assay/telemetry/request_log.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include "request_log_store.h"

namespace assay::telemetry {
namespace {

using internal::RequestLogReader;
using internal::RequestLogWriter;

constexpr std::size_t kMaxBatch = 4'096;  // records a transaction
constexpr std::size_t kMaxPage = 500;
constexpr std::size_t kMaxIdleReaders = 4;               // connections kept open
constexpr auto kRetry = std::chrono::milliseconds(500);  // after a failed batch
constexpr auto kSweep = std::chrono::seconds(30);        // between two looks for expired records
constexpr int kTriesBeforeLoss = 3;                      // of one batch
constexpr int kWriterNice = 19;

}  // namespace

struct RequestLog::Impl {
  Impl(RequestLogOptions o, std::function<void(const std::string&)> r, core::Clock& c)
      : options(std::move(o)), report(std::move(r)), clock(c) {}

  ~Impl() {
    {
      const std::scoped_lock lock(mutex);
      stopping = true;
    }
    wake.notify_all();
    if (thread.joinable()) thread.join();
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void Run();
  // Writes the batch, with a few tries; counts what is lost.
  void WriteBatch(std::unique_lock<std::mutex>& lock, std::span<const ExchangeRecord> batch);
  void Sweep(std::unique_lock<std::mutex>& lock);
  [[nodiscard]] Result<void> TryWrite(std::span<const ExchangeRecord> batch);
  // Tells of a change between working and failing once.
  void SetHealth(std::unique_lock<std::mutex>& lock, const Result<void>& outcome);
  [[nodiscard]] Result<std::unique_ptr<RequestLogReader>> TakeReader();
  void GiveBack(std::unique_ptr<RequestLogReader> reader);

  const RequestLogOptions options;
  const std::function<void(const std::string&)> report;
  core::Clock& clock;

  std::mutex mutex;                  // guards the members down to `counts`
  std::condition_variable wake;      // the writer waits
  std::condition_variable progress;  // Flush waits
  std::vector<ExchangeRecord> queue;
  // Records that are queued or being written; written under the mutex, read without it by Full().
  std::atomic<std::size_t> waiting{0};
  std::atomic<std::uint64_t> refused{0};  // dropped by Full(); a lone number
  std::uint64_t finished = 0;             // records that are written or lost
  bool hurry = false;
  bool stopping = false;
  RequestLogStats counts;

  std::mutex readers_mutex;  // guards `readers`
  std::vector<std::unique_ptr<RequestLogReader>> readers;

  std::unique_ptr<RequestLogWriter> writer;  // the thread's own
  std::thread thread;
};

Result<void> RequestLog::Impl::TryWrite(std::span<const ExchangeRecord> batch) {
  if (writer == nullptr) {
    ASSAY_ASSIGN(writer, RequestLogWriter::Open(options.file));
  }
  return writer->Insert(batch, options.texts);
}

void RequestLog::Impl::SetHealth(std::unique_lock<std::mutex>& lock, const Result<void>& outcome) {
  if (counts.healthy == outcome.has_value()) return;
  counts.healthy = outcome.has_value();
  if (!report) return;
  const std::string words =
      outcome ? fmt::format("{}: the request log is written again", options.file)
              : fmt::format("{}: the request log cannot be written, records are being lost: {}",
                            options.file, outcome.error().message);
  lock.unlock();
  report(words);
  lock.lock();
}

void RequestLog::Impl::WriteBatch(std::unique_lock<std::mutex>& lock,
                                  std::span<const ExchangeRecord> batch) {
  Result<void> outcome;
  for (int tries = 0; tries < kTriesBeforeLoss; ++tries) {
    lock.unlock();
    outcome = TryWrite(batch);
    lock.lock();
    if (outcome) break;
    // A batch that follows a failed one is not tried for long, so that memory stays bounded and
    // stopping stays quick.
    if (!counts.healthy || stopping) break;
    wake.wait_for(lock, kRetry, [&] { return stopping; });
  }
  if (outcome) {
    counts.written += batch.size();
  } else {
    counts.failed += batch.size();
  }
  SetHealth(lock, outcome);
  finished += batch.size();
  waiting.fetch_sub(batch.size(), std::memory_order_relaxed);
  progress.notify_all();
}

void RequestLog::Impl::Sweep(std::unique_lock<std::mutex>& lock) {
  const std::int64_t now_ms = clock.wall_ns() / 1'000'000;
  const std::int64_t before = options.max_age_ms > 0 ? now_ms - options.max_age_ms : 0;
  while (!stopping) {
    lock.unlock();
    const auto removed =
        writer == nullptr ? Result<std::uint64_t>(0) : writer->Expire(before, options.max_bytes);
    lock.lock();
    if (!removed || *removed == 0) return;
    counts.expired += *removed;
    if (!queue.empty()) return;  // writing comes first; the rest goes next time
  }
}

void RequestLog::Impl::Run() {
  // Where the processor is short the answers come first; on Linux this is the thread's own value.
  (void)::setpriority(PRIO_PROCESS, 0, kWriterNice);
  std::vector<ExchangeRecord> taken;
  std::unique_lock lock(mutex);
  auto next_sweep = std::chrono::steady_clock::now();
  while (true) {
    wake.wait_until(lock, next_sweep, [&] { return stopping || !queue.empty(); });
    if (!queue.empty()) {
      wake.wait_for(lock, std::chrono::milliseconds(options.flush_ms),
                    [&] { return stopping || hurry || queue.size() >= options.queue_length / 2; });
      hurry = false;
      while (!queue.empty()) {
        taken.swap(queue);  // in a moment: the I/O threads need the lock
        for (std::size_t begin = 0; begin < taken.size(); begin += kMaxBatch) {
          WriteBatch(lock,
                     std::span(taken).subspan(begin, std::min(kMaxBatch, taken.size() - begin)));
        }
        lock.unlock();
        taken.clear();
        lock.lock();
      }
    }
    if (stopping) return;
    if (std::chrono::steady_clock::now() >= next_sweep) {
      Sweep(lock);
      next_sweep = std::chrono::steady_clock::now() + kSweep;
    }
  }
}

Result<std::unique_ptr<RequestLogReader>> RequestLog::Impl::TakeReader() {
  {
    const std::scoped_lock lock(readers_mutex);
    if (!readers.empty()) {
      auto reader = std::move(readers.back());
      readers.pop_back();
      return reader;
    }
  }
  return RequestLogReader::Open(options.file);
}

void RequestLog::Impl::GiveBack(std::unique_ptr<RequestLogReader> reader) {
  const std::scoped_lock lock(readers_mutex);
  if (readers.size() < kMaxIdleReaders) readers.push_back(std::move(reader));
}

RequestLog::RequestLog(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RequestLog::~RequestLog() = default;

Result<std::unique_ptr<RequestLog>> RequestLog::Open(RequestLogOptions options,
                                                     std::function<void(const std::string&)> report,
                                                     core::Clock& clock) {
  auto impl = std::make_unique<Impl>(std::move(options), std::move(report), clock);
  // SQLite makes its other files with the mode of this one, which may hold questions and answers.
  constexpr mode_t kPrivate = 0600;
  const int file = ::open(impl->options.file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kPrivate);
  if (file >= 0) ::close(file);  // if not, SQLite says why
  ASSAY_ASSIGN(impl->writer, RequestLogWriter::Open(impl->options.file));
  impl->thread = std::thread([state = impl.get()] { state->Run(); });
  return std::unique_ptr<RequestLog>(new RequestLog(std::move(impl)));
}

bool RequestLog::Full() noexcept {
  if (impl_->waiting.load(std::memory_order_relaxed) < impl_->options.queue_length) return false;
  impl_->refused.fetch_add(1, std::memory_order_relaxed);
  return true;
}

bool RequestLog::Offer(ExchangeRecord record) noexcept {
  try {
    bool notify = false;
    {
      const std::scoped_lock lock(impl_->mutex);
      ++impl_->counts.offered;
      if (impl_->waiting.load(std::memory_order_relaxed) >= impl_->options.queue_length) {
        ++impl_->counts.dropped;
        return false;
      }
      impl_->queue.push_back(std::move(record));
      impl_->waiting.fetch_add(1, std::memory_order_relaxed);
      const std::size_t size = impl_->queue.size();
      notify = size == 1 || size == std::max<std::size_t>(1, impl_->options.queue_length / 2);
    }
    if (notify) impl_->wake.notify_one();
    return true;
  } catch (const std::exception&) {  // no memory
    const std::scoped_lock lock(impl_->mutex);
    ++impl_->counts.dropped;
    return false;
  }
}

void RequestLog::Flush() {
  std::unique_lock lock(impl_->mutex);
  const std::uint64_t wanted = impl_->counts.offered - impl_->counts.dropped;
  impl_->hurry = true;
  impl_->wake.notify_one();
  impl_->progress.wait(lock, [&] { return impl_->finished >= wanted; });
}

Result<ExchangePage> RequestLog::Recent(const ExchangeFilter& filter, std::int64_t cursor,
                                        std::size_t limit) const {
  ASSAY_ASSIGN(auto reader, impl_->TakeReader());
  auto page = reader->Recent(filter, cursor, std::clamp<std::size_t>(limit, 1, kMaxPage));
  if (page) impl_->GiveBack(std::move(reader));  // a connection that failed is not used again
  return page;
}

Result<ExchangeRecord> RequestLog::ById(const std::string& request_id) const {
  ASSAY_ASSIGN(auto reader, impl_->TakeReader());
  auto record = reader->ById(request_id);
  if (record || record.error().code == Code::kNotFound) impl_->GiveBack(std::move(reader));
  return record;
}

RequestLogStats RequestLog::stats() const {
  const std::scoped_lock lock(impl_->mutex);
  RequestLogStats stats = impl_->counts;
  const std::uint64_t refused = impl_->refused.load(std::memory_order_relaxed);
  stats.offered += refused;
  stats.dropped += refused;
  return stats;
}

}  // namespace assay::telemetry
