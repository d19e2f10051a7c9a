// Servers for the tests of the Redis tier: a real one, and one that misbehaves.
#pragma once
#include <array>
#include <atomic>
#include <csignal>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "temp_dir.h"

extern char** environ;

namespace assay::cache::testing {

// Starts a program found in PATH; 0 when it cannot be started.
inline pid_t Spawn(const std::vector<std::string>& words) {
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  pid_t pid = 0;
  if (::posix_spawnp(&pid, arguments[0], &actions, nullptr, arguments.data(), environ) != 0)
    pid = 0;
  posix_spawn_file_actions_destroy(&actions);
  return pid;
}

inline bool HaveRedisServer() {
  const pid_t pid = Spawn({"redis-server", "--version"});
  int status = 1;
  return pid != 0 && ::waitpid(pid, &status, 0) == pid && status == 0;
}

// A real redis-server on a Unix socket of its own.
class RedisServer {
 public:
  explicit RedisServer(std::vector<std::string> more = {}) : more_(std::move(more)) { Start(); }
  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;
  ~RedisServer() { Kill(); }

  void Start() {
    std::vector<std::string> words = {
        "redis-server", "--port", "0",     "--unixsocket", socket_path(), "--save", "",
        "--appendonly", "no",     "--dir", folder_.path()};
    words.insert(words.end(), more_.begin(), more_.end());
    pid_ = Spawn(words);
    if (pid_ != 0) AwaitAccepting();
  }
  void Kill() { Signal(SIGKILL, true); }
  void Stop() { Signal(SIGSTOP, false); }
  void Continue() { Signal(SIGCONT, false); }
  [[nodiscard]] std::string socket_path() const { return folder_.File("redis.sock"); }
  [[nodiscard]] std::string url() const { return "unix:" + socket_path(); }
  [[nodiscard]] const assay::testing::TempDir& folder() const { return folder_; }

 private:
  // It begins to listen some milliseconds after it was started.
  void AwaitAccepting() const {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    socket_path().copy(address.sun_path, sizeof(address.sun_path) - 1);
    for (int tries = 0; tries < 30'000; ++tries) {
      const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
      const bool accepts =
          ::connect(probe, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
      ::close(probe);
      if (accepts) return;
      ::poll(nullptr, 0, 1);
    }
    ADD_FAILURE() << "redis-server does not listen";
  }
  void Signal(int signal, bool wait) {
    if (pid_ == 0) return;
    ::kill(pid_, signal);
    if (!wait) return;
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }
  assay::testing::TempDir folder_;
  std::vector<std::string> more_;
  pid_t pid_ = 0;
};

// Accepts connections one after the other and says to each piece that it gets what it is told to.
class FakeServer {
 public:
  using Answer = std::function<std::string(const std::string& asked)>;

  explicit FakeServer(Answer answer) : answer_(std::move(answer)) {
    listener_ = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.copy(address.sun_path, path_.size());
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(::listen(listener_, 8), 0);
    thread_ = std::thread([this] { Run(); });
  }
  FakeServer(const FakeServer&) = delete;
  FakeServer& operator=(const FakeServer&) = delete;
  ~FakeServer() {
    ::shutdown(listener_, SHUT_RDWR);
    if (const int peer = peer_.load(); peer >= 0) ::shutdown(peer, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  [[nodiscard]] std::string url() const { return "unix:" + path_; }

 private:
  void Run() {
    while (true) {
      const int peer = ::accept(listener_, nullptr, nullptr);
      if (peer < 0) return;
      peer_.store(peer);
      std::array<char, 65536> buffer{};
      while (true) {
        const ssize_t got = ::recv(peer, buffer.data(), buffer.size(), 0);
        if (got <= 0) break;
        const std::string said = answer_(std::string(buffer.data(), static_cast<std::size_t>(got)));
        if (!said.empty()) {
          static_cast<void>(::send(peer, said.data(), said.size(), MSG_NOSIGNAL) < 0);
        }
      }
      peer_.store(-1);
      ::close(peer);
    }
  }

  assay::testing::TempDir folder_;
  std::string path_ = folder_.File("fake.sock");
  Answer answer_;
  int listener_ = -1;
  std::atomic<int> peer_{-1};  // partner: the destructor
  std::thread thread_;
};

}  // namespace assay::cache::testing
