// The frame of a folder in which a face was caught best: what to keep of a video for recognition.
//   best_frame arcface_r100.onnx yunet.onnx FRAMES/
#include <prefiqs/prefiqs.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

int main(int argc, char** argv) try {
  if (argc != 4) {
    std::fprintf(stderr, "usage: best_frame NETWORK.onnx DETECTOR.onnx FOLDER\n");
    return 2;
  }
  const prefiqs::Network network = prefiqs::Network::load(argv[1]);
  const prefiqs::Assessor assessor(network, {.detector = prefiqs::Detector::load(argv[2])});

  std::vector<std::string> frames;
  for (const auto& entry : std::filesystem::directory_iterator(argv[3])) frames.push_back(entry.path().string());
  std::sort(frames.begin(), frames.end());

  const std::string* best = nullptr;
  float best_quality = -1;
  for (const std::string& frame : frames) {
    const prefiqs::Assessment a = assessor.assess(prefiqs::Image::open(frame));
    if (a.status != prefiqs::Status::kOk) {
      std::printf("%s: %s\n", frame.c_str(), prefiqs::info(a.status).text.data());
      continue;
    }
    std::printf("%s: %.4f\n", frame.c_str(), a.quality);
    if (a.quality > best_quality) {
      best_quality = a.quality;
      best = &frame;
    }
  }
  if (best == nullptr) {
    std::printf("no face in any of %zu frames\n", frames.size());
    return 1;
  }
  std::printf("best: %s\n", best->c_str());
  return 0;
} catch (const std::exception& e) {
  std::fprintf(stderr, "%s\n", e.what());
  return 1;
}
