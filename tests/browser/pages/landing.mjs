// The first page and its order form, as a person uses them.

/** page: Playwright's */
export function landing(page) {
  const own = {
    async open(path = '/') {
      await page.goto(path);
      // The prices bring regions and plans with them.
      await page.getByRole('button', { name: /^Continue · / }).waitFor();
      return own;
    },
    continue: page.getByRole('button', { name: /^Continue/ }),
    region: page.getByLabel('Region'),
    refundAddress: page.getByLabel('Refund address'),
    /** Unfolds the part that the field stands in. */
    async giveRefundAddress(text) {
      await page.locator('summary', { hasText: 'If something goes wrong' }).click();
      await own.refundAddress.fill(text);
    },
    moreChoices: page.locator('summary', { hasText: 'More choices' }),
    network: (name) => page.getByRole('radio', { name: new RegExp(`^${name}`) }),
    snapshot: page.getByRole('checkbox', { name: 'Start from a snapshot (assumeutxo)' }),
    neutrino: page.getByRole('checkbox', { name: 'Start LND as a light client (Neutrino)' }),
    choose: (name) => page.getByRole('radio', { name, exact: true }).check(),
    chosen: (name) => page.getByRole('radio', { name, exact: true }).isChecked(),
    product: (name) => page.getByRole('radio', { name: new RegExp(`^${name}`) }),
    plan: (letter) => page.getByRole('radio', { name: new RegExp(`Plan ${letter}`) }),
    hours: page.getByRole('textbox', { name: 'Hours' }),
    quickHours: (name) => page.getByRole('group', { name: 'Common choices' }).getByRole('button', { name, exact: true }),
    quote: page.locator('output.quote'),
    /** Of the network: Sparse or Full, and how it is dealt. */
    graph: (name) => page.getByRole('group', { name: 'Channels' }).getByRole('radio', { name: new RegExp(`^${name}`) }),
    distribution: (name) => page.getByRole('group', { name: 'Who has how much' }).getByRole('radio', { name: new RegExp(`^${name}`) }),
    seed: page.getByRole('textbox', { name: 'Seed' }),
    satsPerNode: page.getByRole('textbox', { name: 'Sats per node' }),
    keyProgress: page.getByRole('progressbar', { name: 'Making your key in this browser' }),
    keyReady: page.getByText('Your key is ready'),
    trouble: page.getByRole('alert'),
  };
  return own;
}
