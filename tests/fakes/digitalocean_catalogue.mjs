// What the fake DigitalOcean sells: regions, sizes and images, in the shapes that the contract asks for.

export const REGIONS = {
  nyc1: 'New York 1', nyc3: 'New York 3', ams3: 'Amsterdam 3', sfo3: 'San Francisco 3', sgp1: 'Singapore 1', lon1: 'London 1',
  fra1: 'Frankfurt 1', tor1: 'Toronto 1', blr1: 'Bangalore 1', syd1: 'Sydney 1',
};

/** memory in MB, disk in GB, monthly price in US dollars */
export const SIZES = {
  's-1vcpu-1gb': { memory: 1024, vcpus: 1, disk: 25, monthly: 6 },
  's-1vcpu-2gb': { memory: 2048, vcpus: 1, disk: 50, monthly: 12 },
  's-2vcpu-2gb': { memory: 2048, vcpus: 2, disk: 60, monthly: 18 },
  's-2vcpu-4gb': { memory: 4096, vcpus: 2, disk: 80, monthly: 24 },
  's-4vcpu-8gb': { memory: 8192, vcpus: 4, disk: 160, monthly: 48 },
  's-8vcpu-16gb': { memory: 16_384, vcpus: 8, disk: 320, monthly: 96 },
};

export const IMAGES = {
  'debian-12-x64': { id: 129_211_873, name: '12 x64', distribution: 'Debian' },
  'debian-13-x64': { id: 194_123_004, name: '13 x64', distribution: 'Debian' },
  'ubuntu-22-04-x64': { id: 129_211_900, name: '22.04 (LTS) x64', distribution: 'Ubuntu' },
  'ubuntu-24-04-x64': { id: 155_133_621, name: '24.04 (LTS) x64', distribution: 'Ubuntu' },
};

export const regionView = (slug) => ({
  name: REGIONS[slug], slug, available: true, features: ['backups', 'ipv6', 'metadata', 'install_agent', 'storage', 'image_transfer'],
  sizes: Object.keys(SIZES),
});

export const sizeView = (slug) => {
  const { memory, vcpus, disk, monthly } = SIZES[slug];
  return {
    slug, memory, vcpus, disk, transfer: memory / 1024, price_monthly: monthly, price_hourly: Number((monthly / 672).toFixed(5)),
    regions: Object.keys(REGIONS), available: true, description: 'Basic', disk_info: [{ type: 'local', size: { amount: disk, unit: 'gib' } }],
  };
};

export const imageView = (slug) => ({
  ...IMAGES[slug], slug, type: 'base', public: true, regions: Object.keys(REGIONS), created_at: '2026-01-15T12:00:00Z', min_disk_size: 10,
  size_gigabytes: 1.2, description: `${IMAGES[slug].distribution} ${IMAGES[slug].name}`, tags: [], status: 'available', error_message: '',
});
