// Lets a picture pass only where its face is good enough, as before enrolling a person.
//   gate arcface_r100.onnx 0.6 face.png && enrol face.png
// Exit status: 0 good enough, 5 not (no face and an unreadable file are not), else an error.
#include <prefiqs/prefiqs.h>

#include <charconv>
#include <cstdio>
#include <cstring>

namespace {
constexpr int kBelowThreshold = 5;  // as the command's own gate will exit
}

int main(int argc, char** argv) try {
  float threshold = 0;
  if (argc != 4 || std::from_chars(argv[2], argv[2] + std::strlen(argv[2]), threshold).ec != std::errc()) {
    std::fprintf(stderr, "usage: gate NETWORK.onnx THRESHOLD FACE\n");
    return 2;
  }
  const prefiqs::Assessor assessor(prefiqs::Network::load(argv[1]));
  const prefiqs::Assessment a = assessor.assess(prefiqs::Image::open(argv[3]));
  if (a.status != prefiqs::Status::kOk) {
    std::printf("refused: %s\n", prefiqs::info(a.status).text.data());
    return kBelowThreshold;
  }
  const bool good = a.quality >= threshold;
  std::printf("%s: quality %.4f, wanted %.4f\n", good ? "passed" : "refused", a.quality, threshold);
  return good ? 0 : kBelowThreshold;
} catch (const prefiqs::Error& e) {
  std::fprintf(stderr, "%s\n", e.what());
  return prefiqs::info(e.code()).exit_status;
}
