#include <string>
#include <string_view>
std::string Name();
std::string_view Sample() {
  std::string_view view = std::string("gone");
  return view;
}
