// The quality of one aligned face.
//   assess_one arcface_r100.onnx face.png
#include <prefiqs/prefiqs.h>

#include <cstdio>

int main(int argc, char** argv) try {
  if (argc != 3) {
    std::fprintf(stderr, "usage: assess_one NETWORK.onnx FACE\n");
    return 2;
  }
  const prefiqs::Network network = prefiqs::Network::load(argv[1]);  // throws prefiqs::Error with file and node
  // Prunes, compiles the twin; immutable after this.
  const prefiqs::Assessor assessor(network, {.recipe = prefiqs::Recipe{.sparsity = 0.4}, .threads = 2});
  const prefiqs::Assessment a = assessor.assess(prefiqs::Image::open(argv[2]));  // never throws for a bad face
  if (a.status != prefiqs::Status::kOk) {
    std::printf("%s: %s\n", prefiqs::info(a.status).text.data(), a.detail.c_str());
    return 1;
  }
  std::printf("quality %.4f, an embedding of %zu numbers and norm %.2f\n", a.quality, a.embedding.size(),
              a.embedding_norm);
  return 0;
} catch (const prefiqs::Error& e) {
  std::fprintf(stderr, "%s\n", e.what());
  return prefiqs::info(e.code()).exit_status;
}
