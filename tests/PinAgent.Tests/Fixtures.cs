namespace PinAgent.Tests;

/// <summary>The files of tests/fixtures.</summary>
internal static class Fixtures
{
    private static readonly string Folder = FindFolder();

    /// <summary>A fixture's path.</summary>
    public static string PathOf(string name) => Path.Combine(Folder, name);

    // The tests run from artifacts/ below the repository.
    private static string FindFolder()
    {
        for (
            var folder = new DirectoryInfo(AppContext.BaseDirectory);
            folder is not null;
            folder = folder.Parent
        )
        {
            var fixtures = Path.Combine(folder.FullName, "tests", "fixtures");
            if (Directory.Exists(fixtures))
            {
                return fixtures;
            }
        }

        throw new DirectoryNotFoundException(
            $"{AppContext.BaseDirectory}: expected tests/fixtures in a folder above, found none"
        );
    }
}
