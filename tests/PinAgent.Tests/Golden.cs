using Xunit;

namespace PinAgent.Tests;

/// <summary>
/// Text that other programs and people rely on, compared with a file under <c>tests/fixtures</c>.
/// <c>PINAGENT_BLESS=1</c> rewrites the files: read the diff before you commit it.
/// </summary>
internal static class Golden
{
    /// <summary>Compares.</summary>
    /// <param name="path">The file, from <c>tests/fixtures</c>.</param>
    /// <param name="actual">The text.</param>
    public static void Check(string path, string actual)
    {
        var file = Path.Combine(FindRepository(), "tests", "fixtures", path);
        var text = actual.ReplaceLineEndings("\n").TrimEnd('\n') + "\n";
        if (Environment.GetEnvironmentVariable("PINAGENT_BLESS") == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllText(file, text);
            return;
        }

        Assert.True(File.Exists(file), $"{file} is missing: PINAGENT_BLESS=1 writes it");
        Assert.Equal(File.ReadAllText(file), text);
    }

    private static string FindRepository()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "PinAgent.sln")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName
            ?? throw new DirectoryNotFoundException(
                $"no PinAgent.sln above {AppContext.BaseDirectory}"
            );
    }
}
