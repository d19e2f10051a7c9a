#include "validate/parts/process.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <thread>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "process_environment.h"

namespace assay::cli::validate {
namespace {

constexpr std::int64_t kStopMs = 30'000;
constexpr std::size_t kShownBytes = 600;

std::int64_t NowMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::vector<std::string> Variables(const ProcessOptions& options) {
  gateway::Environment variables = ProcessEnvironment();
  for (auto at = variables.begin(); at != variables.end();) {
    const std::string_view name = at->first;
    const bool ours = name.starts_with("ASSAY_") && name != "ASSAY_MODELS" && name != "ASSAY_SIMD";
    at = ours ? variables.erase(at) : std::next(at);
  }
  for (const auto& [name, value] : options.environment) variables[name] = value;
  std::vector<std::string> out;
  for (const auto& [name, value] : variables) out.push_back(fmt::format("{}={}", name, value));
  return out;
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

std::string FileText(const std::string& path) {  // also of /proc, whose files say they are empty
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

Result<Process> Process::Start(const ProcessOptions& options) {
  std::vector<std::string> texts = {options.program};
  texts.insert(texts.end(), options.arguments.begin(), options.arguments.end());
  std::vector<std::string> variables = Variables(options);
  const std::vector<char*> arguments = Pointers(texts);
  const std::vector<char*> environment = Pointers(variables);
  const Socket errors(
      ::open(options.error_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  int ends[2];
  if (errors.fd() < 0 || ::pipe2(ends, O_CLOEXEC) != 0) {
    return Fail(Code::kUnavailable, fmt::format("cannot write {}", options.error_file));
  }
  Process out;
  out.error_file_ = options.error_file;
  out.output_ = Socket(ends[0]);
  const Socket writing(ends[1]);  // closed when this function returns
  const pid_t parent = ::getpid();
  out.pid_ = ::fork();
  if (out.pid_ == 0) {  // only what is safe after a fork
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (::getppid() != parent) ::_exit(127);
    ::dup2(writing.fd(), STDOUT_FILENO);
    ::dup2(errors.fd(), STDERR_FILENO);
    ::execvpe(options.program.c_str(), arguments.data(), environment.data());
    ::_exit(127);
  }
  if (out.pid_ < 0) return Fail(Code::kUnavailable, "cannot start a process");
  return out;
}

Process::Process(Process&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      exit_code_(other.exit_code_),
      output_(std::move(other.output_)),
      buffer_(std::move(other.buffer_)),
      error_file_(std::move(other.error_file_)) {}

Process::~Process() {
  Stop();
}

bool Process::Alive() const {
  if (pid_ < 0) return false;
  siginfo_t info{};
  return ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         info.si_pid == 0;
}

Result<bool> Process::ReadMore(std::int64_t until_ms) {
  const std::int64_t left_ms = until_ms - NowMs();
  pollfd ready{.fd = output_.fd(), .events = POLLIN, .revents = 0};
  if (left_ms <= 0 || ::poll(&ready, 1, static_cast<int>(left_ms)) <= 0) {
    return Fail(Code::kUnavailable, "it took too long");
  }
  char bytes[4096];
  const ssize_t got = ::read(output_.fd(), bytes, sizeof(bytes));
  if (got <= 0) return false;
  buffer_.append(bytes, static_cast<std::size_t>(got));
  return true;
}

Result<std::string> Process::ReadLine(int timeout_s) {
  const std::int64_t until_ms = NowMs() + std::int64_t{1000} * timeout_s;
  std::size_t end = 0;
  while ((end = buffer_.find('\n')) == std::string::npos) {
    ASSAY_ASSIGN(const bool more, ReadMore(until_ms));
    if (more) continue;
    Wait();
    const std::string said = FileText(error_file_);
    return Fail(Code::kUnavailable,
                fmt::format("it ended with {}: {}", exit_code_,
                            said.substr(said.size() - std::min(said.size(), kShownBytes))));
  }
  std::string line = buffer_.substr(0, end);
  buffer_.erase(0, end + 1);
  return line;
}

Result<Process::Ended> Process::ReadToEnd(int timeout_s) {
  const std::int64_t until_ms = NowMs() + std::int64_t{1000} * timeout_s;
  while (true) {
    ASSAY_ASSIGN(const bool more, ReadMore(until_ms));
    if (!more) return Ended{std::move(buffer_), Wait()};
  }
}

int Process::Stop() {
  if (pid_ >= 0) ::kill(pid_, SIGTERM);
  return Wait();
}

int Process::Wait() {
  if (pid_ < 0) return exit_code_;
  const std::int64_t until_ms = NowMs() + kStopMs;
  int status = 0;
  while (::waitpid(pid_, &status, WNOHANG) == 0) {
    if (NowMs() > until_ms) ::kill(pid_, SIGKILL);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  pid_ = -1;
  exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return exit_code_;
}

Result<std::string> OwnPath() {
  std::error_code error;
  const std::string path = std::filesystem::read_symlink("/proc/self/exe", error).string();
  if (error) return Fail(Code::kUnavailable, "cannot find this program: " + error.message());
  return path;
}

std::uint64_t StatusBytes(pid_t pid, std::string_view field) {
  const std::string text = FileText(fmt::format("/proc/{}/status", pid));
  const std::size_t at = text.find(fmt::format("\n{}:", field));  // "VmHWM:   12345 kB"
  if (at == std::string::npos) return 0;
  return std::strtoull(text.c_str() + at + field.size() + 2, nullptr, 10) * 1024;
}

double CpuSeconds(pid_t pid) {
  const std::string text = FileText(fmt::format("/proc/{}/stat", pid));
  // Fields 14 and 15; the second one, in brackets, may hold spaces.
  std::size_t at = std::min(text.rfind(')'), text.size());
  for (int field = 2; field < 14 && at < text.size(); ++field) {
    at = std::min(text.find(' ', at + 1), text.size());
  }
  if (at == text.size()) return 0;
  char* rest = nullptr;
  const double user = std::strtod(text.c_str() + at, &rest);
  const double system = std::strtod(rest, nullptr);
  return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

}  // namespace assay::cli::validate
