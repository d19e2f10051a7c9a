#include "openvino_runtime.h"

#include <filesystem>
#include <mutex>
#include <system_error>
#include <vector>

#include <dlfcn.h>
#include <fmt/format.h>

#include "folders_internal.h"

// Defined in programs of a build tree only (build_tree.cc): no installed library names a folder of
// the machine that built it.
extern "C" [[gnu::weak]] const char kAssayOpenVinoBuildTree[];

namespace assay::embed::internal {
namespace {

// Where `cmake --install` and the wheel put the libraries, then where a build tree finds them.
std::vector<std::string> DefaultFolders() {
  std::vector<std::string> folders;
  std::error_code error;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (!error) {
    folders.push_back((program.parent_path() / "../lib/assay/openvino").lexically_normal());
  }
  if (&kAssayOpenVinoBuildTree != nullptr) folders.emplace_back(kAssayOpenVinoBuildTree);
  return folders;
}

}  // namespace

Result<std::string> FindOpenVino(core::FileSystem& files, std::span<const std::string> folders) {
  std::vector<std::string> all(folders.begin(), folders.end());
  for (std::string& folder : DefaultFolders()) all.push_back(std::move(folder));
  for (const std::string& folder : all) {
    const Result<std::vector<std::string>> names = files.List(folder);
    if (!names) continue;
    for (const std::string& name : *names) {
      if (name.starts_with("libopenvino_c.so")) return fmt::format("{}/{}", folder, name);
    }
  }
  return Fail(Code::kNotFound,
              fmt::format("OpenVINO (libopenvino_c.so) is in none of these folders: {}; "
                          "scripts/setup.sh installs it",
                          Listed(all)));
}

Result<void> OpenVino::Bind(const std::string& library) {
  // oneTBB opens this helper with RTLD_DEEPBIND, where a program with an allocator of its own would
  // free by libc's what libc took from that allocator. What is loaded already keeps its bindings.
  // Without the helper oneTBB does without, too.
  (void)dlopen("libtbbbind_2_5.so.3", RTLD_NOW | RTLD_LOCAL);
  // RTLD_LOCAL: its symbols stay out of the program's way. Never closed: OpenVINO's threads outlive
  // their objects.
  void* handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): glibc keeps the text per thread
    return Fail(Code::kFailedPrecondition, fmt::format("OpenVINO does not load: {}", dlerror()));
  }
// NOLINTBEGIN(bugprone-macro-parentheses): members are named without parentheses
#define ASSAY_OPENVINO_BIND(symbol)                                                    \
  symbol = reinterpret_cast<decltype(symbol)>(dlsym(handle, #symbol));                 \
  if (symbol == nullptr) {                                                             \
    return Fail(Code::kFailedPrecondition, fmt::format("{} lacks " #symbol, library)); \
  }
  ASSAY_OPENVINO_FUNCTIONS(ASSAY_OPENVINO_BIND)
#undef ASSAY_OPENVINO_BIND
  // NOLINTEND(bugprone-macro-parentheses)
  return Check(ov_core_create(&core_), "starting OpenVINO");
}

Result<const OpenVino*> OpenVino::Load(core::FileSystem& files,
                                       std::span<const std::string> folders) {
  static std::mutex mutex;
  static const OpenVino* loaded = nullptr;  // guarded by mutex
  const std::lock_guard lock(mutex);
  if (loaded != nullptr) return loaded;
  ASSAY_ASSIGN(const std::string library, FindOpenVino(files, folders));
  auto runtime = std::make_unique<OpenVino>();
  ASSAY_TRY(runtime->Bind(library));
  loaded = runtime.release();
  return loaded;
}

Result<void> OpenVino::Check(ov_status_e status, const char* what) const {
  if (status == ov_status_e::OK) return {};
  const char* message = ov_get_last_err_msg();
  return Fail(Code::kInternal,
              fmt::format("{}: OpenVINO error {}: {}", what, static_cast<int>(status),
                          message == nullptr ? "no message" : message));
}

}  // namespace assay::embed::internal
