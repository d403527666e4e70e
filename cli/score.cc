// `prefiqs score`, and `prefiqs embed`, which is the same without the pruned network.
#include <fmt/format.h>
#include <prefiqs/job.h>

#include <future>

#include "cli/commands.h"
#include "cli/method_option.h"
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
  prefiqs score PHOTOS/ --method onnx:crfiqa.onnx --preset arcface        another quality, the same faces and rows
  prefiqs score PHOTOS/ --gate 30 --fail-under-gate     with the default networks: are all in the better 70 %?

Columns: path, face, status, quality (higher is better; of the drift 0 to 1), drift (0 to 2), scalar (0 to 100: the share of the
network's reference faces that are worse), and how they were made.
Exit status: 0 all scored; 1 some pictures failed or had no face (their rows say why; with --resume, the earlier rows
count too), or 0 with --allow-failures; 2 usage, or not available yet; 3 model or recipe; 4 input or output; 5 under the
gate; 130 interrupted (SIGINT); 75 asked to end (SIGTERM): the same command with --resume goes on.)";

constexpr const char* kEmbedExamples = R"(Examples:
  prefiqs embed --model arcface.onnx --preset arcface --aligned CROPS/ --embeddings crops.npy --output crops.csv
  prefiqs embed --model arcface.onnx --preset arcface --detector scrfd.onnx lfw.bin --embeddings lfw.npy --output lfw.csv
  prefiqs embed --model arcface.onnx --preset arcface --aligned CROPS/ --mirror --embeddings mirrored.npy --output m.csv

Row i of the .npy file belongs to row i of the output; it is NaN where there is no embedding.)";

// What does not go with a method is refused: a run must be what its rows say.
void CheckMethod(const std::string& text, const NetworkArguments& network, const RecipeArguments& recipe,
                 const RunArguments& run) {
  const Method method = ParseMethod(text);
  if (method == Method::kOutput && !network.model.empty()) {
    throw Error(ErrorCode::kUsage, fmt::format("--method {} is the network: leave --model out", text));
  }
  if (!prunes(method) && MakeRecipe(recipe)) {
    throw Error(ErrorCode::kUsage, fmt::format("--method {} prunes nothing: leave the recipe out", text));
  }
  if (method != Method::kDrift && run.job.gate) {
    throw Error(ErrorCode::kUsage, fmt::format("--gate is of scalars, which --method {} has none of", text));
  }
}

// The network is read while detectors are, which is as much work for small ones; after them where the run is to keep to
// one thread. What is wrong with the job, or with a detector, is said first in either case.
std::future<Network> BeginLoading(const NetworkArguments& network, const RunArguments& run) {
  const int threads = run.job.assessor.threads == 0 ? usable_processors() : run.job.assessor.threads;
  return std::async(threads == 1 ? std::launch::deferred : std::launch::async,
                    [network, threads] { return LoadNetwork(network, threads); });
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
  AddSkippedOption(app, run);
  AddExecutionOptions(app, run);
  app.add_option(
         "--method", method,
         "What the column quality says: drift (1 - drift / 2), pruned-norm (of the pruned network's embedding), "
         "jvp (1 - S / 2, S being the drift to first order, by differentiation), norm (of the network's embedding), "
         "stochastic (SER-FIQ's question, 100 times the last layer), or "
         "onnx:FILE: a quality network of yours in place of --model, by its output of one number a face or the "
         "norm of its only one [drift]")
      ->type_name("METHOD");
  app.footer(kScoreExamples);
  if (!ParseRun(app, words, run)) return 0;
  CheckMethod(method, network, recipe, run);
  if (ParseMethod(method) == Method::kOutput) {
    network.model = method.substr(kNetworkMethod.size());
    network.tells_quality = true;
  }
  std::future<Network> loading = BeginLoading(network, run);
  JobOptions job = MakeJob(run);
  job.assessor.method = ParseMethod(method);
  job.assessor.recipe = MakeRecipe(recipe);
  const Network loaded = loading.get();
  WarnIfAssumed(loaded);
  CheckAutoRecipe(recipe, loaded);
  return RunJob(loaded, std::move(job), {.fail_under_gate = run.fail_under_gate, .allow_failures = run.allow_failures});
}

int RunEmbed(const Words& words) {
  CLI::App app("Embeddings of faces, from the network as it is.", "prefiqs embed");
  NetworkArguments network;
  RunArguments run;
  AddModelOption(app, network);
  AddPreprocessingOptions(app, network);
  AddFaceOptions(app, run);
  AddOutputOptions(app, run);
  AddSkippedOption(app, run);
  AddExecutionOptions(app, run);
  app.get_option("--embeddings")->required();
  bool mirror = false;
  app.add_flag("--mirror", mirror, "Of the crops' mirror images, which evaluate --mirrored wants beside the others");
  app.footer(kEmbedExamples);
  if (!ParseRun(app, words, run)) return 0;
  if (run.guard.empty()) run.guard = "none";  // what is asked for is the network as it is
  std::future<Network> loading = BeginLoading(network, run);
  JobOptions job = MakeJob(run);
  job.assessor.method = Method::kEmbedding;
  job.assessor.mirror = mirror;
  const Network loaded = loading.get();
  WarnIfAssumed(loaded);
  return RunJob(loaded, std::move(job), {.allow_failures = run.allow_failures});
}

}  // namespace prefiqs::cli
