// core_tests --list prints the titles; core_tests runs all, core_tests <words> those whose title holds the words;
// one line each: "ok <title>\t<processor seconds>" or "failed <title>\t<message>".
#include <cstdio>
#include <cstring>
#include <ctime>

#include "test/check.h"

int main(int count, char** arguments) {
  const bool list = count > 1 && std::strcmp(arguments[1], "--list") == 0;
  const char* words = count > 1 && !list ? arguments[1] : "";
  int failures = 0;
  for (const auto& fact : brightcell::test::facts()) {
    if (list) {
      std::printf("%s\n", fact.title.c_str());
      continue;
    }
    if (fact.title.find(words) == std::string::npos) continue;
    const std::clock_t start = std::clock();
    try {
      fact.body();
      std::printf("ok %s\t%.1f\n", fact.title.c_str(), static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC);
    } catch (const std::exception& error) {
      ++failures;
      std::printf("failed %s\t%s\n", fact.title.c_str(), error.what());
    }
    std::fflush(stdout);
  }
  return failures > 0;
}
