// slow_fs.h: a disk that stands still when it is told to, as a network drive or a dying one does.
// Reading and looking at names go on; every write and flush waits until Go().
#pragma once
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "assay/core/file_system.h"

namespace assay::testing {

class SlowFs final : public core::FileSystem {
 public:
  explicit SlowFs(core::FileSystem& real) : real_(real) {}

  void StandStill() {
    const std::scoped_lock lock(gate_.mutex);
    gate_.closed = true;
  }
  void Go() {
    const std::scoped_lock lock(gate_.mutex);
    gate_.closed = false;
    gate_.changed.notify_all();
  }
  // Until a write stands before the disk.
  void AwaitWrite() {
    std::unique_lock lock(gate_.mutex);
    gate_.changed.wait(lock, [&] { return gate_.waiting > 0; });
  }

  Result<std::string> ReadFile(const std::string& path, std::uint64_t limit_bytes) override {
    return real_.ReadFile(path, limit_bytes);
  }
  Result<std::unique_ptr<core::MappedFile>> Map(const std::string& path) override {
    return real_.Map(path);
  }
  Result<std::unique_ptr<core::ReadableFile>> OpenRead(const std::string& path) override {
    return real_.OpenRead(path);
  }
  Result<std::unique_ptr<core::WritableFile>> Create(const std::string& path) override {
    gate_.Pass();
    return Slowed(real_.Create(path));
  }
  Result<std::unique_ptr<core::WritableFile>> OpenAppend(const std::string& path) override {
    gate_.Pass();
    return Slowed(real_.OpenAppend(path));
  }
  Result<void> Truncate(const std::string& path, std::uint64_t size_bytes) override {
    gate_.Pass();
    return real_.Truncate(path, size_bytes);
  }
  Result<void> Rename(const std::string& from, const std::string& to) override {
    gate_.Pass();
    return real_.Rename(from, to);
  }
  Result<void> Remove(const std::string& path) override {
    gate_.Pass();
    return real_.Remove(path);
  }
  Result<void> MakeDirectories(const std::string& path) override {
    return real_.MakeDirectories(path);
  }
  Result<void> SyncDirectory(const std::string& path) override {
    gate_.Pass();
    return real_.SyncDirectory(path);
  }
  Result<core::FileStat> Stat(const std::string& path) override { return real_.Stat(path); }
  Result<std::vector<std::string>> List(const std::string& path) override {
    return real_.List(path);
  }

 private:
  struct Gate {
    std::mutex mutex;
    std::condition_variable changed;
    bool closed = false;
    int waiting = 0;

    void Pass() {
      std::unique_lock lock(mutex);
      ++waiting;
      changed.notify_all();
      changed.wait(lock, [&] { return !closed; });
      --waiting;
    }
  };

  class SlowFile final : public core::WritableFile {
   public:
    SlowFile(std::unique_ptr<core::WritableFile> file, Gate& gate)
        : file_(std::move(file)), gate_(gate) {}
    Result<void> Append(std::string_view bytes) override {
      gate_.Pass();
      return file_->Append(bytes);
    }
    Result<void> Sync() override {
      gate_.Pass();
      return file_->Sync();
    }
    [[nodiscard]] std::uint64_t size_bytes() const override { return file_->size_bytes(); }

   private:
    std::unique_ptr<core::WritableFile> file_;
    Gate& gate_;
  };

  Result<std::unique_ptr<core::WritableFile>> Slowed(
      Result<std::unique_ptr<core::WritableFile>> opened) {
    ASSAY_ASSIGN(std::unique_ptr<core::WritableFile> file, std::move(opened));
    return std::make_unique<SlowFile>(std::move(file), gate_);
  }

  core::FileSystem& real_;
  Gate gate_;
};

}  // namespace assay::testing
