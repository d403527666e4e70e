// `prefiqs score`, and `prefiqs embed`, which is the same without the pruned network.
#include <fmt/format.h>
#include <prefiqs/job.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "cli/commands.h"
#include "cli/network_options.h"
#include "cli/recipe_options.h"
#include "cli/run_options.h"

namespace prefiqs::cli {
namespace {

constexpr const char* kScoreExamples = R"(Examples:
  prefiqs score --model arcface.onnx --preset arcface --detector yunet.onnx PHOTOS/ --output scores.csv
  prefiqs score --model arcface.onnx --preset arcface --aligned CROPS/ --sparsity 0.3 --scope layer
  find . -name '*.jpg' | prefiqs score --model arcface.onnx --preset arcface --aligned - --format jsonl
  prefiqs score ... --output scores.csv --resume        goes on where it was interrupted
  prefiqs score PHOTOS/ --gate 30 --fail-under-gate     with the default networks: are all in the better 70 %?

Columns: path, face, status, quality (0 to 1, higher is better), drift (0 to 2), scalar (0 to 100: the share of the
network's reference faces that are worse), and how they were made.
Exit status: 0 all scored; 1 some pictures failed or had no face (their rows say why; with --resume, the earlier rows
count too); 2 usage, or not available yet; 3 model or recipe; 4 input or output; 5 under the gate; 130
interrupted.)";

constexpr const char* kEmbedExamples = R"(Examples:
  prefiqs embed --model arcface.onnx --preset arcface --aligned CROPS/ --embeddings crops.npy --output crops.csv
  prefiqs embed --model arcface.onnx --preset arcface --detector scrfd.onnx lfw.bin --embeddings lfw.npy --output lfw.csv
  prefiqs embed --model arcface.onnx --preset arcface --aligned CROPS/ --mirror --embeddings mirrored.npy --output m.csv

Row i of the .npy file belongs to row i of the output; it is NaN where there is no embedding.)";

void CheckMethod(const std::string& method) {
  constexpr std::array<std::string_view, 4> kLater{"jvp", "norm", "pruned-norm", "combined"};
  if (method == "drift") return;
  if (std::find(kLater.begin(), kLater.end(), method) != kLater.end()) {
    throw Error(ErrorCode::kNotAvailable, fmt::format("--method {} is not available yet: drift is", method));
  }
  throw Error(ErrorCode::kUsage, fmt::format("--method {}: there is no such method; drift is available", method));
}

}  // namespace

int RunScore(const Words& words) {
  CLI::App app("Quality of faces: how far a face's embedding moves when the network is pruned.", "prefiqs score");
  NetworkArguments network;
  RecipeArguments recipe;
  RunArguments run;
  std::string method = "drift";
  AddModelOption(app, network);
  AddPreprocessingOptions(app, network);
  AddRecipeOptions(app, recipe);
  AddFaceOptions(app, run);
  AddGateOptions(app, run);
  AddOutputOptions(app, run);
  AddExecutionOptions(app, run);
  app.add_option("--method", method, "drift [drift]")->type_name("METHOD");
  app.footer(kScoreExamples);
  if (!ParseRun(app, words, run)) return 0;
  CheckMethod(method);
  JobOptions job = MakeJob(run);
  job.assessor.recipe = MakeRecipe(recipe);
  const Network loaded = LoadNetwork(network);
  WarnIfAssumed(loaded);
  return RunJob(loaded, std::move(job), run.fail_under_gate);
}

int RunEmbed(const Words& words) {
  CLI::App app("Embeddings of faces, from the network as it is.", "prefiqs embed");
  NetworkArguments network;
  RunArguments run;
  AddModelOption(app, network);
  AddPreprocessingOptions(app, network);
  AddFaceOptions(app, run);
  AddOutputOptions(app, run);
  AddExecutionOptions(app, run);
  app.get_option("--embeddings")->required();
  bool mirror = false;
  app.add_flag("--mirror", mirror, "Of the crops' mirror images, which evaluate --mirrored wants beside the others");
  app.footer(kEmbedExamples);
  if (!ParseRun(app, words, run)) return 0;
  if (run.guard.empty()) run.guard = "none";  // what is asked for is the network as it is
  JobOptions job = MakeJob(run);
  job.assessor.prune = false;
  job.assessor.mirror = mirror;
  const Network loaded = LoadNetwork(network);
  WarnIfAssumed(loaded);
  return RunJob(loaded, std::move(job));
}

}  // namespace prefiqs::cli
