#include "cli/evaluate_pictures.h"

#include <fmt/format.h>
#include <prefiqs/job.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>

#include "cli/interrupt.h"
#include "cli/messages.h"
#include "cli/progress.h"

namespace prefiqs::cli {
namespace {

constexpr std::string_view kNetworkMethod = "onnx:";

// A quality by its name: which run's rows have it, in which column.
struct KnownMethod {
  std::string_view name;
  std::optional<Method> run;  // unset: any of the assessing network
  const char* column;
};
constexpr std::array<KnownMethod, 8> kMethods{{{"drift", Method::kDrift, "quality"},
                                               {"pruned-norm", Method::kDrift, "pruned_norm"},
                                               {"jvp", Method::kJvp, "quality"},
                                               {"stochastic", Method::kStochastic, "quality"},
                                               {"norm", std::nullopt, "embedding_norm"},
                                               {"confidence", std::nullopt, "confidence"},
                                               {"sharpness", std::nullopt, "sharpness"},
                                               {"uniformity", std::nullopt, "uniformity"}}};

// What is compared where nothing is asked for: all of one pass of the network and its pruned copy.
const std::vector<std::string> kUsualMethods{"drift", "norm", "pruned-norm"};

// "FILE:PRESET"; a colon of a file's name is not a preset's.
NetworkArguments WithPreset(const std::string& text, const NetworkArguments& others) {
  NetworkArguments network = others;
  network.model = text;
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos || std::filesystem::exists(text)) return network;
  network.model = text.substr(0, colon);
  network.preset = text.substr(colon + 1);
  network.channels = network.mean = network.scale = {};
  return network;
}

struct Asked {
  std::string name;
  const KnownMethod* known = nullptr;
  std::string file;  // where none is known: of a network that tells a quality
};

Asked ParseMethod(const std::string& text) {
  Asked asked;
  std::string method = text;
  if (const std::size_t equals = text.find('='); equals < text.find(':')) {  // not of a file's name
    asked.name = text.substr(0, equals);
    method = text.substr(equals + 1);
  }
  if (method.starts_with(kNetworkMethod) && method.size() > kNetworkMethod.size()) {
    asked.file = method.substr(kNetworkMethod.size());
    if (asked.name.empty()) asked.name = std::filesystem::path(asked.file).stem().string();
    return asked;
  }
  std::string names;
  for (const KnownMethod& known : kMethods) {
    if (known.name == method) asked.known = &known;
    names += fmt::format("{}, ", known.name);
  }
  if (asked.known == nullptr) {
    throw Error(ErrorCode::kUsage, fmt::format("--method {}: {}or onnx:FILE", text, names));
  }
  if (asked.name.empty()) asked.name = method;
  return asked;
}

// One pass of a network over all pictures.
struct PictureRun {
  std::string what;  // for people
  Network network;
  JobOptions job;  // without its inputs
};

class Runs {
 public:
  explicit Runs(const PictureArguments& arguments) : arguments_(arguments) {
    RunArguments run = arguments.run;
    assess_ = MakeJob(run);
    if (run.guard.empty()) run.guard = "none";  // as in `embed`: the network as it is
    embed_ = MakeJob(run);
  }

  // Each file of networks once.
  Network Load(const NetworkArguments& wanted) {
    Network network = LoadNetwork(wanted);
    for (const Network& other : loaded_) {
      const bool has_its_settings = other.sidecar() == network.sidecar();
      if (IsSame(other, network) && has_its_settings && other.tells_quality() == network.tells_quality()) return other;
    }
    WarnIfAssumed(network);
    return loaded_.emplace_back(std::move(network));
  }

  static bool IsSame(const Network& a, const Network& b) {
    return a.content_hash() == b.content_hash() && a.preprocessing() == b.preprocessing();
  }

  // The files of a run, which is added unless it is there.
  const JobOptions& Add(const Network& network, Method method, const std::optional<Recipe>& recipe = {},
                        bool mirror = false) {
    const std::filesystem::path path(network.path());
    std::string base =
        fmt::format("{}/{}-{}", arguments_.work, path.stem().string(), network.content_hash().substr(0, 8));
    std::string what{name(method)};
    if (method == Method::kEmbedding) what = mirror ? "mirrored" : "embeddings";
    base += "-" + what;
    if (prunes(method)) base += "-" + recipe.value_or(network.stored_recipe().value_or(Recipe{})).name();
    const auto found = std::ranges::find(runs_, base + ".csv", [](const PictureRun& run) { return run.job.output; });
    if (found != runs_.end()) return found->job;
    JobOptions job = method == Method::kEmbedding ? embed_ : assess_;
    job.assessor.method = method;
    job.assessor.recipe = recipe;
    job.assessor.mirror = mirror;
    job.output = base + ".csv";
    // Where the pass gives them, they are kept for whoever asks next.
    if (method == Method::kEmbedding || method == Method::kDrift) job.embeddings = base + ".npy";
    job.resume = std::filesystem::exists(job.output);
    runs_.push_back({fmt::format("{} of {}", what, path.filename().string()), network, std::move(job)});
    return runs_.back().job;
  }

  std::vector<PictureRun>& all() { return runs_; }

 private:
  const PictureArguments& arguments_;
  JobOptions assess_, embed_;
  std::vector<Network> loaded_;
  std::vector<PictureRun> runs_;
};

// What to run, and which files answer which question.
void Plan(const PictureArguments& arguments, Runs& runs, Verifying& verifying, std::vector<QualitySource>& qualities) {
  // A sidecar is of one network: the one that assesses. So are a size and the name of an output.
  NetworkArguments others = arguments.model;
  others.sidecar.clear();
  others.size.clear();
  others.output.clear();
  std::vector<Network> networks;
  for (const std::string& text : arguments.networks) {
    const bool assesses = networks.empty() && arguments.model.model.empty();
    networks.push_back(runs.Load(WithPreset(text, assesses ? arguments.model : others)));
  }
  std::vector<Asked> methods;
  const bool usual = arguments.methods.empty() && qualities.empty();
  for (const std::string& text : usual ? kUsualMethods : arguments.methods) methods.push_back(ParseMethod(text));

  const auto of_norm = [](const Asked& m) {
    return m.known != nullptr && (m.known->name == "norm" || m.known->name == "pruned-norm");
  };
  const std::optional<Recipe> recipe = MakeRecipe(arguments.recipe);
  const auto prunes_any = [](const Asked& m) { return m.known != nullptr && m.known->run && prunes(*m.known->run); };
  if (!std::ranges::any_of(methods, prunes_any) && (recipe || arguments.recipe.file == kAutoRecipe)) {
    throw Error(ErrorCode::kUsage, "none of the methods prunes anything: leave the recipe out");
  }
  std::optional<Network> model;  // that assesses
  if (std::ranges::any_of(methods, [](const Asked& m) { return m.known != nullptr; })) {
    model = !arguments.model.model.empty() || networks.empty() ? runs.Load(arguments.model) : networks[0];
    CheckAutoRecipe(arguments.recipe, *model);
  }
  if (!arguments.model.sidecar.empty() && !model && (networks.empty() || !arguments.model.model.empty())) {
    throw Error(ErrorCode::kUsage, "--sidecar is of the network that assesses, and no method needs one: leave it out");
  }
  if (std::ranges::any_of(methods, of_norm) && model->has_constant_norm()) {
    const std::string why = fmt::format(
        "the output of {} has the same length for all pictures, as of a network that normalises its embedding",
        model->path());
    if (!usual) throw Error(ErrorCode::kUsage, fmt::format("--method norm and pruned-norm say nothing: {}", why));
    Say(fmt::format("prefiqs: norm and pruned-norm are left out: {}\n", why));
    std::erase_if(methods, of_norm);
  }
  const bool both =
      std::ranges::any_of(methods, [](const Asked& m) { return m.known != nullptr && m.known->run == Method::kDrift; });
  // The whole network's pass, which the drift's includes.
  const auto pass_of = [&](const Network& network) -> const JobOptions& {
    if (both && Runs::IsSame(network, *model)) return runs.Add(*model, Method::kDrift, recipe);  // by its sidecar
    return runs.Add(network, Method::kEmbedding);
  };
  std::vector<QualitySource> sources;
  for (const Asked& asked : methods) {
    std::string rows, column = "quality";
    if (asked.known == nullptr) {
      NetworkArguments network = WithPreset(asked.file, others);
      network.tells_quality = true;
      rows = runs.Add(runs.Load(network), Method::kOutput).output;
    } else {
      if (asked.known->name == "confidence" && arguments.run.aligned) {
        throw Error(ErrorCode::kUsage, "--method confidence is a detector's, which --aligned leaves out");
      }
      column = asked.known->column;
      rows = asked.known->run
                 ? runs.Add(*model, *asked.known->run, prunes(*asked.known->run) ? recipe : std::nullopt).output
                 : pass_of(*model).output;
    }
    sources.push_back({.name = asked.name, .path = rows, .column = column});
  }
  qualities.insert(qualities.begin(), sources.begin(), sources.end());
  for (std::size_t i = 0; i < qualities.size(); ++i) {
    const auto later = qualities.begin() + static_cast<std::ptrdiff_t>(i) + 1;
    if (std::ranges::find(later, qualities.end(), qualities[i].name, &QualitySource::name) != qualities.end()) {
      throw Error(ErrorCode::kUsage,
                  fmt::format("two methods are named {}: --method NAME=METHOD names them", qualities[i].name));
    }
  }
  for (const Network& network : networks) {
    const JobOptions& job = pass_of(network);
    verifying.rows.push_back(job.output);
    verifying.embeddings.push_back(job.embeddings);
    if (!arguments.no_mirror) {
      verifying.mirrored.push_back(runs.Add(network, Method::kEmbedding, {}, true).embeddings);
    }
  }
}

// A folder is for one set of pictures, whatever is asked about them.
void OpenFolder(const std::string& folder, const std::vector<std::string>& inputs) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw Error(ErrorCode::kIo, fmt::format("--work {}: {}", folder, error.message()));
  std::string wanted;
  for (const std::string& input : inputs) wanted += input + "\n";
  const std::string path = folder + "/pictures.txt";
  if (std::ifstream file(path, std::ios::binary); file) {
    const std::string there{std::istreambuf_iterator<char>(file), {}};
    if (there == wanted) return;
    throw Error(ErrorCode::kUsage, fmt::format("--work {}: holds rows of other pictures, those of {}; a folder is for "
                                               "one set of pictures: name another, or remove it",
                                               folder, path));
  }
  std::ofstream file(path, std::ios::binary);
  file << wanted << std::flush;
  if (!file) throw Error(ErrorCode::kIo, fmt::format("{}: cannot write it", path));
}

bool RunOne(const PictureRun& run, const std::vector<std::string>& inputs) {
  ProgressLine line;
  JobOptions job = run.job;
  JobProgress last;
  job.inputs = inputs;
  const JobSummary summary = RunShowingProgress(run.network, std::move(job), line, last);
  if (summary.interrupted) return false;
  if (summary.pictures != last.total) {
    throw Error(ErrorCode::kUsage, fmt::format("{}: rows of {}, and now there are {}: name another --work "
                                               "folder, or remove it",
                                               run.job.output, Count(summary.pictures, "picture"), last.total));
  }
  return true;
}

}  // namespace

void AddPictureOptions(CLI::App& app, PictureArguments& arguments) {
  const char* const group = "Networks, which are run over the pictures";
  app.add_option("--network", arguments.networks,
                 "A verifying network, an ONNX file, in place of --rows and --embeddings; any number of times. Its "
                 "preprocessing: of that name, else --preset and the like, else as stored with it")
      ->type_name("FILE[:PRESET]")
      ->allow_extra_args(false)
      ->group(group);
  app.add_option("--method", arguments.methods,
                 "A quality that is computed: drift, pruned-norm, norm, jvp, stochastic, confidence, sharpness, "
                 "uniformity, or onnx:FILE[:PRESET]; any number of times [with --network and without --quality: drift, "
                 "norm and pruned-norm]")
      ->type_name("[NAME=]METHOD")
      ->allow_extra_args(false)
      ->group(group);
  app.add_option("--model", arguments.model.model,
                 "The network that assesses, an ONNX file [the first --network, else the one that comes with prefiqs]")
      ->type_name("FILE|default")
      ->group(group);
  app.add_option("--work", arguments.work, "Keeps rows and embeddings, and goes on from them")
      ->type_name("DIR")
      ->group(group);
  AddLockOption(app, arguments.run.job, group);
  app.add_flag("--no-mirror", arguments.no_mirror,
               "Protocol A without the mirrored pictures' embeddings: a pass less for each network")
      ->group(group);
  AddPreprocessingOptions(app, arguments.model);
  AddRecipeOptions(app, arguments.recipe, "--recipe-seed");
  AddFaceOptions(app, arguments.run);
}

bool RunPictures(const PictureArguments& arguments, const std::function<void()>& check, Verifying& verifying,
                 std::vector<QualitySource>& qualities) {
  const std::vector<std::string>& inputs = arguments.run.job.inputs;
  if (arguments.work.empty()) {
    throw Error(ErrorCode::kUsage, "--network and --method need --work DIR, a folder that keeps what they say");
  }
  if (std::ranges::find(inputs, "-") != inputs.end()) {
    throw Error(ErrorCode::kUsage, "the list of pictures is read more than once: give it as @FILE");
  }
  RefuseAllFaces(arguments.run);
  if (!arguments.networks.empty() && !verifying.rows.empty() && arguments.no_mirror != verifying.mirrored.empty()) {
    throw Error(ErrorCode::kUsage,
                arguments.no_mirror
                    ? "--mirrored goes with --network without --no-mirror: protocol A for all alike"
                    : "--rows without --mirrored go with --network --no-mirror: protocol A for all alike");
  }
  Runs runs(arguments);
  Plan(arguments, runs, verifying, qualities);
  check();
  OpenFolder(arguments.work, inputs);
  const InterruptGuard interrupts;
  for (std::size_t i = 0; i < runs.all().size(); ++i) {
    Say(fmt::format("prefiqs: {} of {}: {}\n", i + 1, runs.all().size(), runs.all()[i].what));
    if (!RunOne(runs.all()[i], inputs)) return false;
  }
  return true;
}

}  // namespace prefiqs::cli
