// How many faces a detector finds in folders of pictures, and how long it takes.
//
//   detect_bench DETECTOR.onnx [--misses FILE] FOLDER...
//
// One line a folder: pictures, those with a face, those with more than one, milliseconds a picture of detection alone
// (mean and median, one thread). `--misses` lists the pictures without a face.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <prefiqs/detector.h>
#include <prefiqs/image.h>

namespace {

std::vector<std::string> PicturesBelow(const std::string& folder) {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    const std::string extension = entry.path().extension().string();
    for (const char* known : {".jpg", ".jpeg", ".png", ".pgm", ".webp"}) {
      if (extension == known) paths.push_back(entry.path().string());
    }
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

void Measure(const prefiqs::Detector& detector, const std::string& folder, std::ofstream* misses) {
  int readable = 0, found = 0, several = 0;
  std::vector<double> milliseconds;
  for (const std::string& path : PicturesBelow(folder)) {
    const prefiqs::DecodedImage decoded = prefiqs::Image::open(path);
    if (decoded.status != prefiqs::Status::kOk) {
      fmt::print(stderr, "{}: {}\n", path, decoded.detail);
      continue;
    }
    const auto start = std::chrono::steady_clock::now();
    const std::vector<prefiqs::Face> faces = detector.detect(decoded.image);
    const std::chrono::duration<double, std::milli> elapsed = std::chrono::steady_clock::now() - start;
    milliseconds.push_back(elapsed.count());
    ++readable;
    found += faces.empty() ? 0 : 1;
    several += faces.size() > 1 ? 1 : 0;
    if (faces.empty() && misses != nullptr) *misses << path << '\n';
  }
  if (milliseconds.empty()) {
    fmt::print("{}: no pictures\n", folder);
    return;
  }
  double sum = 0;
  for (const double value : milliseconds) sum += value;
  std::sort(milliseconds.begin(), milliseconds.end());
  fmt::print("{}: {} pictures, {} with a face ({:.3f} %), {} with several, {:.2f} ms mean, {:.2f} ms median\n", folder,
             readable, found, 100.0 * found / readable, several, sum / readable, milliseconds[milliseconds.size() / 2]);
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    std::vector<std::string> arguments(argv + 1, argv + argc);
    std::ofstream misses;
    const auto option = std::find(arguments.begin(), arguments.end(), "--misses");
    if (option != arguments.end() && option + 1 != arguments.end()) {
      misses.open(*(option + 1));
      arguments.erase(option, option + 2);
    }
    if (arguments.size() < 2) {
      fmt::print(stderr, "usage: detect_bench DETECTOR.onnx [--misses FILE] FOLDER...\n");
      return 2;
    }
    const prefiqs::Detector detector = prefiqs::Detector::load(arguments[0]);
    fmt::print("{} ({})\n", arguments[0], detector.family());
    for (std::size_t i = 1; i < arguments.size(); ++i) {
      Measure(detector, arguments[i], misses.is_open() ? &misses : nullptr);
    }
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 3;
  }
}
